import type { Cache, JournalRow, RowFailure, RowsAt, TransactionSnapshot } from '../core/contracts.ts';
import type { Observe } from '../core/events.ts';
import { Wakeup } from '../core/wakeup.ts';
import { AdaptiveBatchSize } from './batch-size.ts';
import { type ClearingContext, clearRows } from './clear-rows.ts';
import { partitionByLane } from './lanes.ts';

/**
 * Settles journal rows: clears them a second time, after which a row may be deleted.
 *
 * Rows cleared for the first time wait here in cohorts. The first snapshot after a row's claim was committed
 * notes the open transactions. One of them may have skipped its insert because the entry "is queued already",
 * so that its change has no entry of its own. A cohort is in one of these states:
 *
 * - GRACE until every noted transaction has ended, by commit or rollback. A transaction that was PREPARED has
 *   lost its virtual id and is still undecided. So the cohort also waits for the transactions that are
 *   prepared when the virtual ids are gone.
 * - SETTLING for the settle time, for a writer that read before the last of these transactions and has yet to
 *   publish.
 * - RIPE: cleared again, then deleted from the journal by the ids that were read. Rows whose key is invalid
 *   stay in the journal until somebody corrects the template or the data. They are settled like the others:
 *   they wait for nothing any more.
 *
 * All of this is in memory: after a restart every journal row begins again with its first clearing
 * (recovery.ts). Many claims share one snapshot, since a later one only contains more transactions; but a
 * claim never joins a snapshot that was sent before the claim was committed.
 *
 * A crash of the server can undo a claim (it did not wait for the disk) and give its ids to other rows. So a
 * cohort has only the rows that its snapshot found, and reads and deletes them only if they were claimed
 * before it.
 *
 * Cohorts that wait for the same transactions are merged, so that their number depends on the transactions
 * and not on the events since. The merged cohort has the later `at`: what was open then and still is, both
 * wait for.
 */
export class Settling {
  /** Woken when there is something to do. */
  readonly wakeup = new Wakeup();
  readonly #context: ClearingContext;
  readonly #settleMs: number;
  /** How many rows a snapshot and a part of a cohort have. */
  readonly #pace: AdaptiveBatchSize;
  /** Cleared, and not in a snapshot yet. */
  #unseen: number[] = [];
  /** When the first of these needs a snapshot. */
  #snapshotBy = 0;
  #snapshotAt = Number.NEGATIVE_INFINITY;
  /** Cohorts in their grace, by what they wait for. */
  #waiting = new Map<string, Cohort>();
  /** Cohorts past their grace, in the order in which they become ripe. */
  readonly #settling: Cohort[] = [];
  #pending = 0;

  constructor(context: ClearingContext, { settleMs, limit }: { settleMs: number; limit: number }) {
    const { cache } = context;
    // Invalid keys were already reported after the first clearing.
    const observe: Observe = (event) =>
      context.observe(
        event.kind === 'batch-done' ? { ...event, invalid: event.invalid.map(markKnown) } : event,
      );
    // First clearings go first: their pages are stale, while those of second clearings are most likely gone.
    const background: Cache = {
      ...cache,
      clear: (patterns, { secondFollows: _, ...how } = {}) =>
        cache.clear(patterns, { ...how, background: true }),
    };
    this.#context = { ...context, observe, cache: background };
    this.#settleMs = settleMs;
    this.#pace = new AdaptiveBatchSize(limit);
  }

  /**
   * `more`: another batch follows at once, so the snapshot may wait up to 500 ms and serve both. A call with
   * no ids and `more: false` ends that wait.
   */
  add(ids: readonly number[], { more = false } = {}): void {
    const now = this.#context.clock.now();
    if (this.#unseen.length === 0) this.#snapshotBy = now + this.#context.timings.settling.gatherMs;
    for (const id of ids) this.#unseen.push(id);
    this.#pending += ids.length;
    if (!more || this.#unseen.length >= this.#pace.size) this.#snapshotBy = now;
    this.wakeup.wake();
  }

  /** Rows that are not settled yet. */
  get pending(): number {
    return this.#pending;
  }

  /** Those of them that a transaction holds up, according to the last snapshot. */
  get held(): number {
    return [...this.#waiting.values()].reduce((sum, { ids }) => sum + ids.length, 0);
  }

  /**
   * Does what can be done now. Returns the milliseconds until there is more to do, null if nothing is
   * pending.
   */
  async step(): Promise<number | null> {
    if (this.#msToSnapshot() <= 0) await this.#snapshot();
    const ripe = this.#settling.findIndex((cohort) => this.#msToRipe(cohort) > 0);
    for (let count = ripe < 0 ? this.#settling.length : ripe; count > 0; count--) await this.#settleFirst();
    if (this.#pending === 0) return null;
    return Math.max(0, Math.min(this.#msToSnapshot(), this.#msToRipe(this.#settling[0])));
  }

  #msToSnapshot(): number {
    const now = this.#context.clock.now();
    const note = this.#unseen.length > 0 ? this.#snapshotBy - now : Number.POSITIVE_INFINITY;
    return this.#waiting.size > 0
      ? Math.min(note, this.#snapshotAt + this.#context.timings.settling.snapshotAgainMs - now)
      : note;
  }

  /**
   * Without a settle time most rows are settled right after their snapshot. Only those that a transaction
   * holds up are marked in the journal, by the next snapshot. A snapshot takes no more rows than are settled
   * at a time, so that no statement grows with the backlog.
   */
  async #snapshot(): Promise<void> {
    const ids = this.#unseen.slice(0, this.#pace.size);
    const mark = this.#settleMs > 0;
    const unmarked = [...this.#waiting.values()].filter(({ marked }) => !marked);
    const toMark = mark ? ids : unmarked.flatMap((cohort) => cohort.ids);
    const seen = await this.#pace.after(this.#context.journal.snapshot(ids, toMark));
    const now = this.#context.clock.now();
    this.#snapshotAt = now;
    this.#unseen = this.#unseen.slice(ids.length);
    this.#pending -= ids.length - seen.found.length;
    for (const cohort of unmarked) cohort.marked = true;
    for (const cohort of this.#waiting.values()) advance(cohort, seen);
    const cohorts = [...this.#waiting.values()];
    if (seen.found.length > 0) cohorts.push(begin(seen, { now, marked: mark }));
    this.#waiting = mergeCohorts(cohorts);
    const over = this.#waiting.get('');
    if (over === undefined) return;
    this.#waiting.delete('');
    over.graceEnded = now;
    this.#settling.push(over);
  }

  #msToRipe(cohort: Cohort | undefined): number {
    return cohort ? cohort.graceEnded + this.#settleMs - this.#context.clock.now() : Number.POSITIVE_INFINITY;
  }

  async #settleFirst(): Promise<void> {
    const cohort = this.#settling[0];
    if (!cohort) return;
    while (cohort.ids.length > 0) {
      const ids = cohort.ids.slice(0, this.#pace.size);
      await this.#pace.after(this.#settlePart({ ids, at: cohort.at }));
      cohort.ids.splice(0, ids.length);
      this.#pending -= ids.length;
    }
    this.#settling.shift();
  }

  async #settlePart(part: RowsAt): Promise<void> {
    const { journal, lanes } = this.#context;
    const { shared, own } = partitionByLane(await journal.read(part), lanes);
    if (shared.length > 0) await this.#settleRows(shared, part.at);
    for (const [lane, some] of own) lane.add(some, () => this.#settleRows(some, part.at));
  }

  async #settleRows(rows: readonly JournalRow[], at: string): Promise<void> {
    const { journal, observe } = this.#context;
    const { files, cleared, invalid } = await clearRows(rows, this.#context);
    const kept = new Set(invalid.map(({ id }) => id));
    await journal.settle({ ids: cleared.filter((id) => !kept.has(id)), at });
    if (invalid.length > 0) await journal.keepInvalid(invalid, at);
    observe({ kind: 'settled', rows: cleared.length, files });
  }
}

const markKnown = (failure: RowFailure) => ({ ...failure, known: true });

/**
 * Rows in one snapshot, and settled at a time. In a larger part more rows have the same key, which is then
 * cleared once. It is bounded, since a statement that runs into its time-out would do so at each retry.
 */
export function settleLimit(batch: number): number {
  return Math.min(batch * 20, 50_000);
}

interface Cohort {
  /** Rows left to settle. */
  readonly ids: number[];
  /** When the snapshot was made that noted its transactions, by the server's clock. */
  readonly at: string;
  /** The transactions that the grace waits for; empty when it is over. */
  waitsFor: ReadonlySet<string>;
  /** Whether it still waits for virtual ids, or already for prepared transactions. */
  phase: 'virtual' | 'prepared';
  /** When the grace ended; until then, when the snapshot was made. */
  graceEnded: number;
  /** The journal shows that its rows are settling. */
  marked: boolean;
}

function begin(
  { found, at, virtual, prepared }: TransactionSnapshot,
  { now, marked }: { now: number; marked: boolean },
): Cohort {
  const cohort = { ids: [...found], at, graceEnded: now, marked };
  return virtual.length > 0
    ? { ...cohort, waitsFor: new Set(virtual), phase: 'virtual' }
    : { ...cohort, waitsFor: new Set(prepared), phase: 'prepared' };
}

function advance(cohort: Cohort, seen: TransactionSnapshot): void {
  const { waitsFor, phase } = cohort;
  cohort.waitsFor = new Set(seen[phase].filter((one) => waitsFor.has(one)));
  // A snapshot lists virtual ids first and prepared transactions after: one that is missing from the first
  // list because it was prepared is in the second.
  if (phase === 'virtual' && cohort.waitsFor.size === 0) {
    cohort.phase = 'prepared';
    cohort.waitsFor = new Set(seen.prepared);
  }
}

/** Cohorts by what they wait for, '' for those that wait for nothing. */
function mergeCohorts(cohorts: readonly Cohort[]): Map<string, Cohort> {
  const byWait = new Map<string, Cohort>();
  for (const cohort of cohorts) {
    const { waitsFor, phase, marked } = cohort;
    const key = waitsFor.size > 0 ? [phase, marked, ...[...waitsFor].sort()].join() : '';
    const other = byWait.get(key);
    byWait.set(key, other ? mergeTwo(other, cohort) : cohort);
  }
  return byWait;
}

/**
 * The ids of the smaller cohort go to the larger one, so that cohorts that grow one by one are not copied
 * each time.
 */
function mergeTwo(one: Cohort, other: Cohort): Cohort {
  const [larger, smaller] = one.ids.length >= other.ids.length ? [one, other] : [other, one];
  for (const id of smaller.ids) larger.ids.push(id);
  return { ...larger, at: one.at > other.at ? one.at : other.at };
}
