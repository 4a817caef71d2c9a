import type { Cache, JournalRow, Look } from '../core/contracts.ts';
import { sortOut } from './aside.ts';
import { clearMixed, type Means } from './clearing.ts';

/**
 * Settles journal rows: the second clearing, after which a row may go.
 *
 * Rows cleared for the first time wait here in cohorts. The first look after a row's claim was committed notes the transactions
 * that are open: one of them may have skipped its insert because the entry "is queued already", so that its change has no entry
 * of its own. A cohort is in one of these states:
 *
 * - GRACE until every noted transaction has ended, by commit or rollback. One that was PREPARED has lost its virtual id and is
 *   still undecided: so the transactions found prepared when the virtual ids are gone are waited for too.
 * - SETTLING for the settle time, for a writer that read before the last of these transactions and has yet to publish.
 * - RIPE: cleared again, then deleted from the journal by the ids that were read.
 *
 * All of it is in memory: after a restart every journal row begins again with its first clearing (again.ts). Many claims share one
 * look, since noting later only notes more; but a claim never joins a look that was sent before it was committed.
 *
 * A crash of the server can undo a claim (it did not wait for the disk) and give its ids to other rows. So a cohort has only the rows
 * that its look found, and reads and deletes them only if they were claimed before it.
 */
export class Settling {
  readonly #means: Means;
  readonly #settleMs: number;
  readonly #limit: number;
  /** Cleared, and not looked after yet. */
  #unnoted: number[] = [];
  /** When the first of these must be looked after. */
  #noteBy = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #cohorts: Cohort[] = [];

  constructor(means: Means, { settleMs, limit }: { settleMs: number; limit: number }) {
    const { cache } = means;
    // Pages that are stale until their first clearing go before those that most likely are gone.
    const unhurried: Cache = { ...cache, clear: (patterns) => cache.clear(patterns, { unhurried: true }) };
    this.#means = { ...means, cache: unhurried };
    this.#settleMs = settleMs;
    this.#limit = limit;
  }

  /**
   * With `more` to come at once, one look may serve many batches: their pages are gone, and those of the next are not. None and no more
   * says that it was the last.
   */
  add(ids: readonly number[], { more = false } = {}): void {
    const now = this.#means.clock.now();
    if (this.#unnoted.length === 0) this.#noteBy = now + gatherMs;
    this.#unnoted.push(...ids);
    if (!more || this.#unnoted.length >= this.#limit) this.#noteBy = now;
  }

  /** Rows that are not settled yet. */
  get pending(): number {
    return this.#cohorts.reduce((sum, { ids }) => sum + ids.length, this.#unnoted.length);
  }

  /** Does what can be done now. Returns the milliseconds until there is more to do, null if nothing is pending. */
  async step(): Promise<number | null> {
    if (this.#msToLook() <= 0) await this.#look();
    for (const cohort of this.#cohorts.filter((one) => this.#msToRipe(one) <= 0)) await this.#settle(cohort);
    if (this.pending === 0) return null;
    return Math.max(0, Math.min(this.#msToLook(), ...this.#cohorts.map((cohort) => this.#msToRipe(cohort))));
  }

  #msToLook(): number {
    const now = this.#means.clock.now();
    const note = this.#unnoted.length > 0 ? this.#noteBy - now : Number.POSITIVE_INFINITY;
    const waiting = this.#cohorts.some(({ waitsFor }) => waitsFor.size > 0);
    return waiting ? Math.min(note, this.#lookedAt + lookAgainMs - now) : note;
  }

  /**
   * Without a settle time most rows are settled as soon as they are looked after: only those that a transaction holds up are
   * marked in the journal, by the look that finds it still open.
   */
  async #look(): Promise<void> {
    const ids = this.#unnoted;
    const unmarked = this.#cohorts.filter(({ waitsFor, marked }) => waitsFor.size > 0 && !marked);
    this.#unnoted = [];
    let seen: Look;
    try {
      const mark = this.#settleMs > 0;
      seen = await this.#means.journal.look(ids, mark ? ids : unmarked.flatMap((cohort) => cohort.ids));
    } catch (error) {
      this.#unnoted.unshift(...ids);
      throw error;
    }
    const now = this.#means.clock.now();
    this.#lookedAt = now;
    for (const cohort of unmarked) cohort.marked = true;
    for (const cohort of this.#cohorts) advance(cohort, seen, now);
    if (seen.found.length > 0) this.#cohorts.push(begin(seen, { now, marked: this.#settleMs > 0 }));
  }

  #msToRipe({ waitsFor, graceEnded }: Cohort): number {
    return waitsFor.size > 0
      ? Number.POSITIVE_INFINITY
      : graceEnded + this.#settleMs - this.#means.clock.now();
  }

  async #settle(cohort: Cohort): Promise<void> {
    const { journal, aside, inHand } = this.#means;
    const { at } = cohort;
    while (cohort.ids.length > 0) {
      const rows = await journal.read({ ids: cohort.ids.slice(0, this.#limit), at });
      const { here, apart } = sortOut(rows, this.#means);
      if (here.length > 0) await this.#settleRows(here, at);
      for (const [handler, own] of apart) {
        inHand.hold(own);
        aside?.(handler, async () => {
          await this.#settleRows(own, at);
          inHand.release(own);
        });
      }
      cohort.ids.splice(0, this.#limit);
    }
    this.#cohorts = this.#cohorts.filter((one) => one !== cohort);
  }

  async #settleRows(rows: readonly JournalRow[], at: string): Promise<void> {
    const { journal, observe } = this.#means;
    const { files, cleared } = await clearMixed(rows, this.#means);
    await journal.settle({ ids: cleared, at });
    observe({ kind: 'settled', rows: cleared.length, files });
  }
}

/** Nothing tells when a transaction ends, so it is asked; pg_locks is cheap. */
const lookAgainMs = 250;

/** Rows that are looked after, and settled, at a time: of many, more have the same key, which is then cleared once. */
export function settledAtOnce(batch: number): number {
  return batch * 20;
}

/** How long a row may wait for those that share its look; far less than it takes to be forgotten (again.ts). */
const gatherMs = 500;

interface Cohort {
  /** Rows left to settle. */
  readonly ids: number[];
  /** When the look was that noted its transactions, by the server's clock. */
  readonly at: string;
  /** The transactions that the grace waits for; empty when it is over. */
  waitsFor: ReadonlySet<string>;
  /** Whether these are virtual ids still, or prepared transactions already. */
  phase: 'virtual' | 'prepared';
  graceEnded: number;
  /** The journal tells that its rows are settling. */
  marked: boolean;
}

function begin(
  { found, at, virtual, prepared }: Look,
  { now, marked }: { now: number; marked: boolean },
): Cohort {
  const cohort = { ids: [...found], at, graceEnded: now, marked };
  return virtual.length > 0
    ? { ...cohort, waitsFor: new Set(virtual), phase: 'virtual' }
    : { ...cohort, waitsFor: new Set(prepared), phase: 'prepared' };
}

function advance(cohort: Cohort, seen: Look, now: number): void {
  if (cohort.waitsFor.size === 0) return;
  const { waitsFor, phase } = cohort;
  cohort.waitsFor = new Set(seen[phase].filter((one) => waitsFor.has(one)));
  // A look lists virtual ids first and prepared transactions after: one that is missing from the first list because it was
  // prepared is in the second.
  if (phase === 'virtual' && cohort.waitsFor.size === 0) {
    cohort.phase = 'prepared';
    cohort.waitsFor = new Set(seen.prepared);
  }
  cohort.graceEnded = now;
}
