import type { Model, Step } from '../explore.ts';
import { applied, type Change, dependents, type Graph, type Key, keyOf, shown } from './graph.ts';

/**
 * One page, J's, which shows what J inherits: J from I, if that edge is there, and I from b, whose data changes. Who
 * changes something enqueues one key; what depends on it is looked up at some time, and the page of J is cleared if J is
 * found. What has to hold: at rest the page shows what the database has.
 */
export interface State {
  readonly graph: Graph;
  readonly transactions: readonly Transaction[];
  /** Keys of committed entries. */
  readonly queue: readonly Key[];
  /** What the page shows; empty: there is none. */
  readonly page: string;
  readonly writers: readonly Writer[];
  readonly rows: readonly Row[];
}

interface Transaction {
  readonly is: 'to come' | 'open' | 'over';
  readonly enqueues: readonly Key[];
}

/** A fenced one has its temp from the beginning, and publishes only if that is still there. */
interface Writer {
  readonly is: 'to come' | 'begun' | 'rendering' | 'over';
  readonly read: string;
  readonly temp: boolean;
}

/** A claimed entry. */
interface Row {
  readonly key: Key;
  /** What was found to depend on it. */
  readonly found: readonly Key[];
  readonly done: 'nothing' | 'claim' | 'look-up' | 'temps' | 'pages' | 'grace';
  readonly round: 1 | 2;
  /** Transactions that it waits for, and then writers. */
  readonly noted: readonly number[];
}

export interface Protocol {
  readonly looksUp:
    | 'at each clearing'
    | 'at the first clearing'
    | 'in the claim'
    | 'before the claim'
    | 'in the trigger';
  /** A change of an edge enqueues the key whose own page it changes. */
  readonly edgesEnqueue: boolean;
}

export const designed: Protocol = { looksUp: 'at each clearing', edgesEnqueue: true };

export interface Scenario {
  readonly changes: readonly Change[];
  /** Producers enqueue nothing where they see that the key is queued. */
  readonly skips?: boolean;
  readonly writers: number;
  readonly fenced: boolean;
  /** Without a second one there is neither grace nor settle time. */
  readonly rounds: 1 | 2;
  /** An entry is there from the beginning. */
  readonly queued?: Key;
  /** The transactions of edges are open at the beginning, and see nothing of each other. */
  readonly edgesOpen?: boolean;
}

export function dependentsModel(
  graph: Graph,
  { cached, ...scenario }: Scenario & { cached: boolean },
  protocol: Protocol,
): Model<State> {
  const { changes, writers, queued } = scenario;
  return {
    start: {
      graph,
      transactions: changes.map((change) => {
        const isOpen = scenario.edgesOpen && change !== 'data';
        return { is: isOpen ? 'open' : 'to come', enqueues: isOpen ? [keyOf[change]] : [] };
      }),
      queue: queued ? [queued] : [],
      page: cached ? shown(graph) : '',
      writers: Array.from({ length: writers }, () => ({ is: 'to come', read: '', temp: false })),
      rows: [],
    },
    next: (state) => [
      ...producers(state, scenario, protocol),
      ...renders(state, scenario),
      ...claims(state, protocol),
      ...state.rows.flatMap((row, nth) => clearings(state, nth, row, scenario, protocol)),
    ],
    broken: ({ page, graph: now }, quiet) =>
      quiet && page !== '' && page !== shown(now)
        ? `the page shows "${page}" and the database has "${shown(now)}": it is stale, and nobody will clear it`
        : undefined,
  };
}

function producers(state: State, { changes, skips }: Scenario, protocol: Protocol): Step<State>[] {
  return changes.flatMap((change, nth) => {
    const { graph, queue } = state;
    const transaction = state.transactions[nth];
    const to = (next: Transaction) => state.transactions.with(nth, next);
    const what =
      change === 'data' ? 'the data of b' : change === 'ib' ? 'the edge from I to b' : 'the edge from J to I';
    if (transaction?.is === 'to come') {
      const own = keyOf[change];
      // Its statement sees what is committed, and its own change.
      const wanted =
        change !== 'data' && !protocol.edgesEnqueue
          ? []
          : protocol.looksUp === 'in the trigger'
            ? dependents(applied(graph, change), own)
            : [own];
      const enqueues = wanted.filter((key) => !skips || !queue.includes(key));
      const label = `transaction ${nth + 1} changes ${what}, and enqueues ${enqueues.join(' and ') || 'nothing'}`;
      return [{ label, state: { ...state, transactions: to({ is: 'open', enqueues }) } }];
    }
    if (transaction?.is !== 'open') return [];
    return [
      {
        label: `transaction ${nth + 1} commits`,
        state: {
          ...state,
          graph: applied(graph, change),
          queue: [...queue, ...transaction.enqueues].sort(),
          transactions: to({ is: 'over', enqueues: [] }),
        },
      },
    ];
  });
}

function renders(state: State, { fenced }: Scenario): Step<State>[] {
  return state.writers.flatMap((writer, nth): Step<State>[] => {
    const go = (label: string, next: Partial<Writer>, page = state.page) => [
      {
        label: `writer ${nth + 1} ${label}`,
        state: { ...state, writers: state.writers.with(nth, { ...writer, ...next }), page },
      },
    ];
    if (writer.is === 'to come') return go('begins', { is: 'begun', temp: fenced });
    if (writer.is === 'begun') {
      const read = shown(state.graph);
      return go(`reads "${read}"`, { is: 'rendering', read });
    }
    if (writer.is === 'over') return [];
    const over = { is: 'over', read: '', temp: false } as const;
    if (fenced && !writer.temp) return go('finds its temp gone', over);
    return go(`publishes "${writer.read}"`, over, writer.read);
  });
}

/** A claim takes all entries of one key. The next one follows when they were cleared for the first time. */
function claims(state: State, { looksUp }: Protocol): Step<State>[] {
  const { queue, graph, rows } = state;
  if (rows.some(({ done, round }) => round === 1 && ['claim', 'look-up', 'temps'].includes(done))) return [];
  return [...new Set(queue)].flatMap((key): Step<State>[] => {
    const taken = queue.filter((other) => other !== key);
    const row: Row = { key, found: [], done: 'claim', round: 1, noted: [] };
    const claimed = (found: readonly Key[], others = rows) => ({
      label: `the daemon claims ${key}`,
      state: { ...state, queue: taken, rows: [...others, { ...row, found }] },
    });
    if (looksUp === 'in the claim') return [claimed(dependents(graph, key))];
    if (looksUp === 'in the trigger') return [claimed([key])];
    if (looksUp !== 'before the claim') return [claimed([])];
    const known = rows.find((one) => one.key === key && one.done === 'nothing');
    if (known)
      return [
        claimed(
          known.found,
          rows.filter((one) => one !== known),
        ),
      ];
    const found = dependents(graph, key);
    return [
      {
        label: `the daemon asks what depends on ${key}: ${found.join(', ')}`,
        state: { ...state, rows: [...rows, { ...row, found, done: 'nothing' }] },
      },
    ];
  });
}

function clearings(
  state: State,
  nth: number,
  row: Row,
  { fenced, rounds }: Scenario,
  { looksUp }: Protocol,
): Step<State>[] {
  const { graph, transactions, writers, rows } = state;
  const go = (label: string, next: Partial<Row>, more: Partial<State> = {}) => [
    { label: `the daemon ${label}`, state: { ...state, ...more, rows: rows.with(nth, { ...row, ...next }) } },
  ];
  const hits = row.found.includes('J');
  const open = transactions.flatMap(({ is }, at) => (is === 'open' ? [at] : []));
  switch (row.done) {
    case 'nothing':
      return [];
    case 'claim': {
      const asks = looksUp === 'at each clearing' || (looksUp === 'at the first clearing' && row.round === 1);
      const found = asks ? dependents(graph, row.key) : row.found;
      // It does nothing to the page of J, and will not be asked again.
      if (!found.includes('J') && looksUp !== 'at each clearing')
        return [
          {
            label: `the daemon clears ${row.key}: ${found.join(', ')}, and is done with it`,
            state: { ...state, rows: rows.filter((_, other) => other !== nth) },
          },
        ];
      return go(`clears ${row.key}: ${found.join(', ')}`, { found, done: 'look-up' });
    }
    case 'look-up': {
      const temps = hits && fenced ? writers.map((writer) => ({ ...writer, temp: false })) : writers;
      return go('deletes temps', { done: 'temps' }, { writers: temps });
    }
    case 'temps': {
      const page = hits ? '' : state.page;
      if (row.round === rounds)
        return [
          {
            label: `the daemon deletes pages, and is done with ${row.key}`,
            state: { ...state, page, rows: rows.filter((_, other) => other !== nth) },
          },
        ];
      return go('deletes pages, and notes open transactions', { done: 'pages', noted: open }, { page });
    }
    case 'pages': {
      if (row.noted.some((at) => open.includes(at))) return [];
      const rendering = writers.flatMap(({ is }, at) => (is === 'rendering' && !fenced ? [at] : []));
      return go('has waited for them', { done: 'grace', noted: rendering });
    }
    case 'grace': {
      if (row.noted.some((at) => writers[at]?.is === 'rendering')) return [];
      return go(`settles ${row.key}`, { done: 'claim', round: 2, noted: [] });
    }
  }
}
