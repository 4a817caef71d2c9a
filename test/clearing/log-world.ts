import { ClaimsUnderWay } from '../../src/clearing/claims-under-way.ts';
import { Consumer } from '../../src/clearing/consumer.ts';
import type { ConsumerParts } from '../../src/clearing/consumer-parts.ts';
import type { ConsumerLog, ConsumerState, HandlerRows, LogPart } from '../../src/core/consumer-contract.ts';
import type { LogRow } from '../../src/core/contracts.ts';
import type { Event } from '../../src/core/events.ts';
import { usualTimings } from '../../src/core/timings.ts';
import { FailingWorld } from './failing-world.ts';
import type { FakeCache } from './fake-cache.ts';

interface Claimed extends LogRow {
  readonly claimedAt: string;
}

/** A log in memory, with one consumer's row and failing rows, and the transactions that are open around it. */
export class LogWorld {
  now = 1_000_000;
  rows: Claimed[] = [];
  newest = 0;
  state: ConsumerState | undefined = 'live';
  settledTo = 0;
  open: { virtual: string[]; prepared: string[] } = { virtual: [], prepared: [] };
  /** The next call of this name rejects. */
  failsOnce: string | undefined;
  /** The next call of this name is done, and its answer lost. */
  answerLostOnce: string | undefined;
  /** Called before each answer, with the name of the call. */
  during: (call: string) => unknown = () => {};
  /** Rows of one answer to a second reading. */
  mostAgain = 5;
  readonly calls: string[] = [];
  readonly failing = new FailingWorld(this);
  readonly events: Event[] = [];

  time(): string {
    return String(this.now).padStart(12, '0');
  }

  /** What a claim appends, and answers. */
  append(handler: string, ...keys: string[]): LogRow[] {
    const rows = keys.map((id) => ({
      id: ++this.newest,
      handler,
      key: { id },
      claimedAt: this.time(),
    }));
    this.rows.push(...rows);
    return rows;
  }

  /** Ids that were given to claims which were rolled back. */
  burn(ids: number): void {
    this.newest += ids;
  }

  async called<Result>(name: string, said: string, answer: () => Result): Promise<Result> {
    this.calls.push(said === '' ? name : `${name} ${said}`);
    await this.during(name);
    if (this.failsOnce === name) {
      this.failsOnce = undefined;
      throw new Error(`${name} failed`);
    }
    const result = answer();
    if (this.answerLostOnce !== name) return result;
    this.answerLostOnce = undefined;
    throw new Error(`the answer to ${name} is lost`);
  }

  log(handlers: readonly string[]): ConsumerLog {
    const part = (rows: readonly LogRow[], upTo: number): LogPart => ({
      state: this.state,
      groups: groupsOf(rows.filter(({ handler }) => handlers.includes(handler))),
      others: countsOf(rows.filter(({ handler }) => !handlers.includes(handler))),
      upTo,
    });
    return {
      join: ({ wiping }) =>
        this.called('join', wiping ? 'wiping' : '', () => ({
          state: wiping ? ('wiping' as const) : ('live' as const),
          settledTo: this.settledTo,
          clearedTo: this.settledTo,
        })),
      read: ({ after, upTo, limit }) =>
        this.called('read', `${after} to ${upTo ?? 'the end'}`, () => {
          const rows = this.#between(after, upTo ?? this.newest).slice(0, limit);
          const last = rows.at(-1)?.id ?? after;
          return part(rows, rows.length < limit ? (upTo ?? last) : last);
        }),
      count: ({ after, upTo, most }) =>
        this.called('count', `${after} to ${upTo}`, () => {
          const rows = this.#between(after, upTo).filter(({ handler }) => handlers.includes(handler));
          return Math.min(rows.length, most);
        }),
      snapshot: ({ after, upTo }) =>
        this.called('snapshot', `${after} to ${upTo}`, () => ({
          at: this.time(),
          ...structuredClone(this.open),
        })),
      readAgain: ({ after, upTo, at }) =>
        this.called('read again', `${after} to ${upTo}`, () => {
          const rows = this.#between(after, upTo).slice(0, this.mostAgain);
          const settling = rows.filter(({ id }) => !this.failing.has(id));
          const end = rows.length < this.mostAgain ? upTo : (rows.at(-1)?.id ?? upTo);
          return { ...part(settling, end), late: rows.some(({ claimedAt }) => claimedAt > at) };
        }),
      advance: ({ from, settledTo, clearedTo }) =>
        this.called('advance', `to ${settledTo}, ${clearedTo}`, () => {
          if (this.state === 'expired' || this.settledTo !== from) return false;
          this.settledTo = settledTo;
          return true;
        }),
      becomeLive: () =>
        this.called('become live', '', () => {
          if (this.state !== 'wiping') return false;
          this.state = 'live';
          return true;
        }),
      failing: this.failing.rows,
    };
  }

  /** A consumer that follows this log from its durable cursor. */
  follow(cache: FakeCache, parts: Partial<ConsumerParts> = {}): Consumer {
    const consumer = new Consumer({
      name: 'files',
      cache,
      steps: cache.steps,
      log: this.log([...(parts.steps ?? cache.steps).keys()]),
      claims: new ClaimsUnderWay(),
      clock: { now: () => this.now, wait: () => new Promise(() => {}) },
      observe: (event) => void this.events.push(event),
      timings: usualTimings,
      settleMs: 10_000,
      batch: 10,
      after: [],
      wipe: async () => void cache.done.push('wipe'),
      onLost: () => void this.calls.push('lost'),
      ...parts,
    });
    consumer.follow({
      settledTo: this.settledTo,
      clearedTo: this.settledTo,
      wiping: this.state === 'wiping',
    });
    return consumer;
  }

  told<Kind extends Event['kind']>(kind: Kind): Extract<Event, { kind: Kind }>[] {
    return this.events.filter((event): event is Extract<Event, { kind: Kind }> => event.kind === kind);
  }

  /** The calls since the last look. */
  happened(): string[] {
    return this.calls.splice(0);
  }

  #between(after: number, upTo: number): Claimed[] {
    return this.rows.filter(({ id }) => id > after && id <= upTo);
  }
}

function groupsOf(rows: readonly LogRow[]): HandlerRows[] {
  const handlers = new Set(rows.map(({ handler }) => handler));
  return Array.from(handlers, (handler) => ({
    handler,
    rows: rows.filter((row) => row.handler === handler).map(({ id, key }) => ({ id, handler, key })),
    lagMs: 5,
  }));
}

function countsOf(rows: readonly LogRow[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { handler } of rows) counts[handler] = (counts[handler] ?? 0) + 1;
  return counts;
}

/** Steps until nothing can be done unless time passes or the world changes. */
export async function run(step: () => Promise<number | null>): Promise<number | null> {
  for (;;) {
    const ms = await step();
    if (ms !== 0) return ms;
  }
}
