import { formatRootError } from '../../core/disk-errors.ts';
import { type Markers, type Roots, rootRefusal, type SeenRoot } from '../../core/root.ts';
import type { RootTimings } from '../../core/timings.ts';
import { Wakeup } from '../../core/wakeup.ts';
import { Gate } from './gate.ts';
import { marksOf, RootRecord, type Served } from './root-record.ts';
import { leftByLastRun, type WipeParts, WipeSchedule } from './wipe-schedule.ts';

export interface RootGuardParts extends WipeParts {
  readonly markers: Markers;
  readonly roots: Roots;
  readonly members: Members;
  readonly newId: () => string;
  readonly timings: RootTimings;
}

/** The consumers whose caches belong to this root: clearing/members.ts. */
interface Members {
  /**
   * Registers them, or takes them over; from then on they follow the log. Undefined: another daemon has them.
   * @param wiping the content of root is unknown
   */
  join(id: string, how: { wiping: boolean }): Promise<'live' | 'wiping' | 'new' | 'expired' | undefined>;
  /** They stop following. */
  leave(): void;
}

/**
 * Guards root for one daemon. Its state is one of:
 *
 * - UNKNOWN at first, and after a request met something else: requests wait until root has been examined.
 * - WAITING while something else is in its place (judge-root.ts), or another daemon clears it.
 * - VERIFIED: requests are passed on, with the identities that they must meet. A wipe that is due is done,
 *   once. Then the markers record that the daemon runs, and the database remembers which root this is.
 *
 * Each thing is recorded after it is done: a daemon that dies in between does it again.
 */
export class RootGuard {
  /** Woken when root should be examined soon. */
  readonly wakeup = new Wakeup();
  readonly #parts: RootGuardParts;
  readonly #gate = new Gate<Readonly<Record<string, string>>>();
  readonly #record: RootRecord;
  /** As which root the consumers have joined. */
  #joined: string | undefined;
  #standsBy = false;
  readonly #wiping: WipeSchedule;
  #lastError: Error | undefined;
  /** Its message, once it was reported and as long as nothing else was since. */
  #reported = '';
  readonly #inspected = new Gate<void>();
  /** Resolves when root has been examined, whatever the result. */
  readonly inspected = this.#inspected.value;

  constructor(parts: RootGuardParts) {
    this.#parts = parts;
    this.#record = new RootRecord(parts);
    this.#wiping = new WipeSchedule(parts);
  }

  /** Another daemon clears this root. */
  get standsBy(): boolean {
    return this.#standsBy;
  }

  /** Why root is not used. */
  get problem(): Error | undefined {
    return this.#lastError;
  }

  verified(): Promise<Readonly<Record<string, string>>> {
    return this.#gate.value;
  }

  recheck(): void {
    this.#gate.close();
    this.wakeup.wake();
  }

  /** A consumer has expired, or another daemon has it: it must join again. */
  lost(): void {
    this.#parts.members.leave();
    this.recheck();
    this.rejoin();
  }

  /** The server may have undone what the consumers have written there: they join again, and go on meanwhile. */
  rejoin(): void {
    this.#joined = undefined;
    this.wakeup.wake();
  }

  /** Everything that templates can name, for the second time. Then the markers record what is left of it. */
  async wipeAgain(): Promise<void> {
    await this.#wiping.again(await this.verified());
    if (this.#wiping.left.length === 0) return;
    const seen = await this.#parts.markers.read();
    const verdict = await this.#record.judge(seen);
    if (verdict.isCache) await this.#record.mark(seen, verdict, this.#wiping.left);
    this.wakeup.wake();
  }

  /** Ends the wait of every caller. */
  end(why: Error): void {
    this.#gate.end(why);
  }

  /**
   * Does what can be done now. Returns the milliseconds until the next step, at most `mostMs`. Its caller reports what
   * it rejects with, in place of what was reported here.
   */
  async step(mostMs: number): Promise<number> {
    try {
      return await this.#step(mostMs);
    } catch (error) {
      this.#reported = '';
      throw error;
    }
  }

  async #step(mostMs: number): Promise<number> {
    let seen: SeenRoot;
    try {
      seen = await this.#parts.markers.read();
    } catch (error) {
      // Without its cause: the remedy is in the message, and no row is affected.
      return this.#wait(new Error(formatRootError(this.#parts.markers.root, error)));
    }
    const verdict = await this.#record.judge(seen);
    if (!verdict.isCache) return this.#wait(rootRefusal(verdict.why));
    if (!this.#isJoined(verdict) && !(await this.#join(verdict))) return this.#standBy(mostMs);
    this.#serve(verdict);
    await this.#wiping.step(verdict.identities);
    await this.#record.mark(seen, verdict, this.#wiping.left);
    this.#wiping.recorded();
    return Math.min(mostMs, this.#wiping.nextMs);
  }

  /** Writes every deletion to the disk, then marks the end as clean, unless another daemon has this root. */
  async leave(): Promise<void> {
    const { markers } = this.#parts;
    if (!this.#record.isMarked || this.#joined === undefined || this.#lastError) return;
    await markers.sync();
    const seen = await markers.read();
    const verdict = await this.#record.judge(seen);
    // The directory that is there now may not be the one that the daemon worked on.
    if (!verdict.isCache || verdict.wipe) return;
    const marks = marksOf(seen, verdict, this.#wiping.left);
    await markers.write(marks.map(({ path, marker }) => ({ path, marker: { ...marker, clean: true } })));
  }

  #wait(error: Error): number {
    const { timings } = this.#parts;
    this.#gate.close();
    this.#inspected.open();
    // An aborted examination says nothing about root.
    if (this.#reported !== error.message && !this.#gate.ended) {
      this.#reported = error.message;
      this.#parts.observe({ kind: 'loop-failed', loop: 'root', error, retryMs: timings.againMs });
    }
    this.#lastError = error;
    return timings.againMs;
  }

  /** False also if another root is in its place now, and that will be recorded. */
  #isJoined({ places: [first], wipe }: Served): boolean {
    const isOther = wipe !== undefined && first?.holder !== undefined && first.id !== this.#joined;
    return this.#joined !== undefined && !isOther;
  }

  /** False: another daemon clears this root. */
  async #join(verdict: Served): Promise<boolean> {
    const { wipe } = verdict;
    const id = this.#record.idOf(verdict);
    if (this.#joined !== undefined) this.#parts.members.leave();
    this.#joined = undefined;
    const state = await this.#parts.members.join(id, { wiping: wipe !== undefined });
    if (state === undefined) return false;
    if (this.#standsBy)
      this.#parts.observe({
        kind: 'notice',
        text: 'The other daemon is gone: this one clears this root from now on',
      });
    this.#joined = id;
    this.#standsBy = false;
    // It was away for too long, or the database did not know it.
    if (state !== 'live') this.#wiping.begin(wipe ?? (state === 'wiping' ? 'unknown' : state), undefined);
    return true;
  }

  #standBy(mostMs: number): number {
    const { members, observe, timings } = this.#parts;
    members.leave();
    this.#recovered();
    this.#gate.close();
    this.#inspected.open();
    if (!this.#standsBy)
      observe({
        kind: 'notice',
        text: 'Another daemon clears this root: this one stands by until that one is gone',
      });
    this.#standsBy = true;
    return Math.min(mostMs, timings.standbyMs);
  }

  #recovered(): void {
    if (this.#reported !== '') this.#parts.observe({ kind: 'loop-recovered', loop: 'root' });
    this.#reported = '';
    this.#lastError = undefined;
  }

  #serve({ identities, wipe, places }: Served): void {
    this.#recovered();
    this.#gate.open(identities);
    this.#inspected.open();
    const seen = JSON.stringify([identities, places.map((place) => [place.path, place.seen])]);
    if (wipe) this.#wiping.begin(wipe, seen);
    else this.#wiping.resume(leftByLastRun(places));
  }
}
