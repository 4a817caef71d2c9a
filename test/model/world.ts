import { crashSteps, orphanSteps } from './crash.ts';
import { type Daemon, daemonAtStart, daemonSteps } from './daemon.ts';
import { type Database, databaseSteps } from './database.ts';
import type { Model, Step } from './explore.ts';
import { type Producer, producerAtStart, producerSteps, type Transaction } from './producer.ts';
import type { Protocol } from './protocol.ts';
import { batchSteps } from './settling.ts';
import type { Notifies } from './statement.ts';
import { type Writer, type WriterKind, writerAtStart, writerSteps } from './writer.ts';

/**
 * Producers, daemons and writers of one datum, the one page that shows it and the one key that names it.
 *
 * What is left out, and why that is sound:
 * - A page is fresh (it shows the committed datum) or stale. No datum returns to an old value, so a stale
 *   page never becomes fresh again, and versions need no numbers.
 * - A statement is one step where PostgreSQL makes it look like one. A claim is three: lock, delete, commit.
 *   BEGIN belongs to the first statement: noting an open transaction that has done nothing has no effect.
 * - Time is only an order. `settle` ends when every unfenced render that was running at its start has ended.
 * - Every writer renders once: a second render shows nothing that another first one does not.
 * - LIMIT, templates, failed deletions and many keys are left out: another key shares with this one only the
 *   journal and the snapshots.
 */
export interface World {
  readonly page: Page;
  readonly queue: readonly Row[];
  /**
   * Identities of the journal rows. One is used again when nobody remembers its last owner (see database.ts).
   */
  readonly journal: readonly number[];
  readonly producers: readonly Producer[];
  readonly daemons: readonly Daemon[];
  readonly writers: readonly Writer[];
  readonly crashesLeft: number;
  readonly outagesLeft: number;
  readonly database: Database;
}

export type Page = 'absent' | 'fresh' | 'stale';

/** An entry, and who is using it: a producer inserts or updates, a daemon locks or deletes. -1 is nobody. */
export interface Row {
  readonly is: 'inserted' | 'there' | 'updated' | 'locked' | 'deleted';
  readonly by: number;
  /** Only for the predecessor's claim: the daemon remembers this row and will delete it by id. */
  readonly read: boolean;
}

export interface Scenario {
  readonly transactions: readonly Transaction[];
  readonly writers: readonly WriterKind[];
  readonly daemons?: number;
  readonly crashes?: number;
  /** The number of times that the daemon loses its connections and lives on. */
  readonly outages?: number;
  /** Whether PostgreSQL crashes, once. */
  readonly databaseCrashes?: boolean;
  /**
   * A first transaction has ended: its entry exists, its notification is on its way, and the page is stale.
   */
  readonly queued?: boolean;
  readonly notifies?: Notifies;
}

export function world(scenario: Scenario, protocol: Protocol): Model<World> {
  return {
    start: {
      page: scenario.queued ? 'stale' : 'fresh',
      queue: scenario.queued ? [{ is: 'there', by: -1, read: false }] : [],
      journal: [],
      producers: scenario.transactions.map(() => producerAtStart),
      daemons: Array.from({ length: scenario.daemons ?? 1 }, () => ({
        ...daemonAtStart,
        phase: 'idle',
        listening: true,
        notified: scenario.queued ?? false,
      })),
      writers: scenario.writers.map(writerAtStart),
      crashesLeft: scenario.crashes ?? 0,
      outagesLeft: scenario.outages ?? 0,
      database: {
        is: scenario.databaseCrashes ? 'mortal' : 'safe',
        entries: scenario.queued ? 1 : 0,
        journal: [],
      },
    },
    next: (state) => steps(state, scenario, protocol),
    broken,
  };
}

function* steps(state: World, scenario: Scenario, protocol: Protocol): Generator<Step<World>> {
  for (const [who, transaction] of scenario.transactions.entries())
    yield* producerSteps(state, who, transaction, scenario.notifies ?? 'for a new row');
  for (const who of state.daemons.keys()) {
    yield* daemonSteps(state, who, protocol);
    yield* batchSteps(state, who, protocol);
    yield* crashSteps(state, who, protocol);
  }
  yield* orphanSteps(state, protocol);
  yield* databaseSteps(state, protocol);
  for (const who of state.writers.keys()) yield* writerSteps(state, who);
}

/** No actor is obliged to start anything, so an error while all are idle may last forever. */
function broken(state: World, quiet: boolean): string | undefined {
  if (!resting(state)) return quiet ? 'a dead end: something waits for ever' : undefined;
  if (state.queue.length > 0) return 'an entry is asleep in the queue';
  if (state.journal.length > 0) return 'a journal row is forgotten';
  if (state.page === 'stale') return 'the page is stale and nobody knows';
  return undefined;
}

function resting({ producers, daemons, writers, queue }: World): boolean {
  return (
    producers.every(({ is }) => is === 'not begun' || is === 'ended') &&
    daemons.every(
      ({ phase, listening, notified, dirty, timer, batches }) =>
        phase === 'idle' && listening && !notified && !dirty && !timer && batches.length === 0,
    ) &&
    writers.every(({ is }) => is === 'not begun' || is === 'ended') &&
    queue.every(({ is }) => is === 'there')
  );
}
