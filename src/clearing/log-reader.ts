import type { IdRange, LogPart } from '../core/consumer-contract.ts';
import type { LogRow } from '../core/contracts.ts';
import { Wakeup } from '../core/wakeup.ts';
import { readEvent } from './batch-event.ts';
import type { Following } from './consumer.ts';
import { clearRows } from './first-round.ts';
import type { RoundParts } from './keep-failing.ts';
import { areTooMany, mayBeTooMany, sayTooMany } from './too-many.ts';

interface Reads {
  readonly following: () => Following | undefined;
  /** No row beyond this may be cleared yet. */
  readonly allowedTo: () => number;
  /** A part of the log was cleared. */
  readonly onPart: () => void;
}

/** Reads those rows of the log that did not come with a claim's answer, and gives them their first clearing. */
export class LogReader {
  /** Woken when the log may have such rows. */
  readonly wakeup = new Wakeup();
  readonly #parts: RoundParts;
  readonly #reads: Reads;
  #rescanUntil = 0;
  /** Nothing was read since the consumer began to follow: what comes first may have been cleared before. */
  #recovering = false;
  /** Rows up to this one were cleared before it began to follow, so their first clearing is not reported again. */
  #toldTo = 0;
  /** Rows up to this one were counted, and are not too many. */
  #countedTo = 0;

  constructor(parts: RoundParts, reads: Reads) {
    this.#parts = parts;
    this.#reads = reads;
  }

  /** The consumer begins to follow. */
  begin(toldTo: number): void {
    this.#recovering = true;
    this.#toldTo = toldTo;
    this.#countedTo = 0;
    // A claim that began before the consumer was registered tells nobody that the log has grown.
    this.recover();
  }

  /** A claim may have been committed whose answer was lost: reads the log now, and for a while again. */
  recover(): void {
    this.#rescanUntil = this.#parts.clock.now() + this.#parts.timings.recovery.outliveMs;
    this.wakeup.wake();
  }

  /** Reads a part and clears it. Returns 0 if there may be more, else null. */
  async step(): Promise<number | null> {
    const { log, batch, onLost } = this.#parts;
    await this.#answers();
    const unanswered = this.#parts.claims.all;
    const following = this.#reads.following();
    if (!following) return null;
    const { gap } = following.progress;
    const upTo = Math.min(gap.upTo ?? Number.POSITIVE_INFINITY, this.#reads.allowedTo());
    if (upTo <= gap.after) return this.#rescanMs();
    if (await this.#wipeInstead(following, { after: gap.after, upTo })) return 0;
    const part = await log.read({ after: gap.after, limit: batch, ...(Number.isFinite(upTo) && { upTo }) });
    // A claim may have been committed just before the log was read.
    await this.#answers(unanswered);
    if (following !== this.#reads.following()) return 0;
    if (part.state === undefined || part.state === 'expired') {
      onLost();
      return null;
    }
    if (part.upTo === gap.after) {
      this.#recovering = false;
      this.#parts.orphans?.report();
      return this.#rescanMs();
    }
    await this.#clear(following, gap.after, part);
    return 0;
  }

  /** Rows of our own claims come with the answers: to read them as well would clear them twice. */
  async #answers(but: ReadonlySet<unknown> = new Set()): Promise<void> {
    const { cache, claims, clock, timings } = this.#parts;
    if (cache.readsLog) return;
    if ([...claims.all].every((claim) => but.has(claim))) return;
    const answered = new AbortController();
    await claims.ended(
      clock.wait(timings.recovery.answerMs, answered.signal).catch(() => {}),
      but,
    );
    answered.abort();
  }

  /** A claim may outlive its client, and be committed after the log was read. */
  #rescanMs(): number | null {
    const { clock, timings } = this.#parts;
    return clock.now() < this.#rescanUntil ? timings.recovery.rescanMs : null;
  }

  /** Where there are too many rows. Those that come meanwhile are read afterwards. */
  async #wipeInstead(following: Following, range: IdRange): Promise<boolean> {
    const parts = this.#parts;
    if (range.after < this.#countedTo || !mayBeTooMany(range, parts)) return false;
    if (!(await areTooMany(range, parts))) {
      this.#countedTo = range.upTo;
      return false;
    }
    const { progress } = following;
    const whole: LogRow[] = [];
    if (following !== this.#reads.following() || !progress.add(whole, range)) return true;
    parts.observe({ kind: 'notice', text: sayTooMany(parts) });
    await parts.wipe().catch((error) => {
      progress.giveUp(whole);
      throw error;
    });
    this.#finish(following, whole);
    return true;
  }

  async #clear(following: Following, after: number, part: LogPart): Promise<void> {
    const { progress } = following;
    const whole: LogRow[] = [];
    const range = { after, upTo: part.upTo };
    // Or a claim has brought some of them meanwhile.
    if (!progress.add(whole, range)) return;
    this.#report(part);
    const outcomes = await Promise.allSettled([
      ...part.groups.map((group) => this.#clearGroup(group)),
      this.#parts.orphans?.keep(range, part.others),
    ]);
    // Only now is nothing of it under way any more.
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) {
      progress.giveUp(whole);
      throw failed.reason;
    }
    this.#finish(following, whole);
  }

  #finish({ progress, settling }: Following, whole: readonly LogRow[]): void {
    progress.finish(whole);
    settling.cleared({ more: true });
    this.#reads.onPart();
  }

  #report({ groups }: LogPart): void {
    const { observe } = this.#parts;
    const rows = groups.reduce((sum, group) => sum + group.rows.length, 0);
    if (this.#recovering && rows > 0) observe({ kind: 'log-recovery', rows });
    this.#recovering = false;
  }

  async #clearGroup(group: LogPart['groups'][number]): Promise<void> {
    const { name, cache, steps, clock, observe, after } = this.#parts;
    const step = steps.get(group.handler);
    if (!step) return;
    const started = clock.now();
    const outcome = await clearRows(group.handler, step, group.rows, this.#parts);
    const event = readEvent(group, step, outcome, { toldTo: this.#toldTo, started, now: clock.now() });
    // The clearing of a cache that stands behind another is reported together with that one's.
    if (event && after.length === 0) observe(event);
    else if (event?.kind === 'cleared' && event.lagMs !== null && cache.readsLog)
      observe({ kind: 'cleared-behind', consumer: name, lagMs: event.lagMs });
  }
}
