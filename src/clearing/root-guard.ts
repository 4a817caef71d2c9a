import { formatRootError } from '../core/disk-errors.ts';
import {
  type KnownRoot,
  type Mark,
  type Markers,
  type Registration,
  type Roots,
  rootRefusal,
  type SeenRoot,
} from '../core/root.ts';
import type { RootTimings } from '../core/timings.ts';
import { Wakeup } from '../core/wakeup.ts';
import { Gate } from './gate.ts';
import { type CacheMount, judgeRoot, type RootVerdict, rootId } from './judge-root.ts';
import { leftByLastRun, type WipeParts, WipeSchedule } from './wipe-schedule.ts';

export interface RootGuardParts extends WipeParts {
  readonly markers: Markers;
  readonly roots: Roots;
  readonly newId: () => string;
  readonly timings: RootTimings;
}

type Served = Extract<RootVerdict, { isCache: true }>;

/**
 * Guards root for one daemon. Its state is one of:
 *
 * - UNKNOWN at first, and after a request met something else: requests wait until root has been examined.
 * - WAITING while something else is in its place (judge-root.ts), or another daemon is in the way.
 * - VERIFIED: requests are passed on, with the identities that they must meet. A wipe that is due is done,
 *   once. Then the markers record that the daemon runs, and the database remembers which root this is.
 *
 * Each thing is recorded after it is done: a daemon that dies in between does it again.
 */
export class RootGuard {
  /** Woken when root should be examined soon. */
  readonly wakeup = new Wakeup();
  /** A daemon with another root is in the way, or may be: nothing may be claimed. */
  contested = false;
  readonly #parts: RootGuardParts;
  readonly #gate = new Gate<Readonly<Record<string, string>>>();
  readonly #newIds = new Map<string, string>();
  /** Undefined until the database has been read. */
  #before: { known: KnownRoot | undefined; history: 'copy' | 'missed' | undefined } | undefined;
  /** Mounts without a marker, because none could be written. */
  #unmarked: ReadonlySet<string> = new Set();
  #id = '';
  /** The markers record that the daemon runs. */
  #marked = false;
  #joined = false;
  #rivalSince: number | undefined;
  readonly #wiping: WipeSchedule;
  #lastError: Error | undefined;
  readonly #inspected = new Gate<void>();
  /** Resolves when root has been examined, whatever the result, unless it is contested. */
  readonly inspected = this.#inspected.value;
  readonly #rival = new Gate<Error>();
  /** Resolves when a daemon with another root has not gone in time: waiting does not help. */
  readonly rival = this.#rival.value;

  constructor(parts: RootGuardParts) {
    this.#parts = parts;
    this.#wiping = new WipeSchedule(parts);
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

  /** Ends the wait of every caller. */
  end(why: Error): void {
    this.#gate.end(why);
  }

  /** Does what can be done now. Returns the milliseconds until the next step, at most `mostMs`. */
  async step(mostMs: number): Promise<number> {
    let seen: SeenRoot;
    try {
      seen = await this.#parts.markers.read();
    } catch (error) {
      return this.#wait(new Error(formatRootError(this.#parts.markers.root, error), { cause: error }));
    }
    const verdict = await this.#judge(seen);
    if (!verdict.isCache) return this.#wait(rootRefusal(verdict.why));
    const rival = this.#joined ? undefined : await this.#join(seen, verdict);
    if (rival !== undefined) return this.#wait(new Error(rival));
    this.#serve(verdict);
    await this.#wiping.step(verdict.identities);
    await this.#mark(seen, verdict);
    return Math.min(mostMs, this.#wiping.nextMs);
  }

  /** Writes every deletion to the disk, then marks the end as clean, unless another daemon uses this root. */
  async leave(): Promise<void> {
    const { markers, roots } = this.#parts;
    if (!this.#marked || this.#lastError) return;
    // If the database is gone together with the machine, its last answer counts.
    const isShared = async () => (await roots.shared(this.#id).catch(() => undefined)) ?? false;
    await roots.leave().catch(() => {});
    if (await isShared()) return;
    await markers.sync();
    const seen = await markers.read();
    const verdict = await this.#judge(seen);
    // The directory that is there now may not be the one that the daemon worked on.
    if (!verdict.isCache || verdict.wipe) return;
    const marks = this.#marks(seen, verdict.places);
    await markers.write(marks.map(({ path, marker }) => ({ path, marker: { ...marker, clean: true } })));
    // A daemon that started meanwhile registered before it wrote its marker.
    if (await isShared()) await markers.write(marks);
  }

  #wait(error: Error): number {
    const { timings } = this.#parts;
    this.#gate.close();
    if (!this.contested) this.#inspected.open();
    // An aborted examination says nothing about root.
    if (this.#lastError?.message !== error.message && !this.#gate.ended)
      this.#parts.observe({ kind: 'loop-failed', loop: 'root', error, retryMs: timings.againMs });
    this.#lastError = error;
    return timings.againMs;
  }

  async #judge(seen: SeenRoot): Promise<RootVerdict> {
    const { markers, roots } = this.#parts;
    const where = { path: markers.root, machine: seen.machine };
    this.#before ??= {
      known: await roots.known(where),
      history: await roots.history({
        ...where,
        id: rootId(seen) ?? '',
        identity: seen.fronts[0]?.identity ?? '',
      }),
    };
    return judgeRoot(seen, {
      root: markers.root,
      fronts: markers.fronts,
      ...this.#before,
      unmarked: this.#unmarked,
      newId: (path) => this.#newId(path),
    });
  }

  #newId(path: string): string {
    const id = this.#newIds.get(path) ?? this.#parts.newId();
    this.#newIds.set(path, id);
    return id;
  }

  /** Registers this daemon in the database, and reads which others are registered. */
  async #join(seen: SeenRoot, verdict: Served): Promise<string | undefined> {
    const { roots, clock, timings } = this.#parts;
    this.contested = true;
    const registration = this.#registration(seen, verdict, this.#before?.known?.places ?? {});
    await roots.register({ ...registration, taking: false });
    const rival = await roots.rival(registration);
    if (rival === undefined) {
      await roots.register({ ...registration, taking: true });
      this.#joined = true;
      this.contested = false;
      return;
    }
    this.#rivalSince ??= clock.now();
    if (clock.now() - this.#rivalSince >= timings.rivalMs) this.#rival.open(new Error(rival));
    return rival;
  }

  #registration(
    seen: SeenRoot,
    { places, wipe }: Served,
    marked: Readonly<Record<string, string>>,
  ): Omit<Registration, 'taking'> {
    return {
      path: this.#parts.markers.root,
      machine: seen.machine,
      id: places[0]?.id ?? this.#newId(''),
      identity: seen.fronts[0]?.identity ?? '',
      mountPoint: seen.mountPoint,
      places: marked,
      wiping: wipe !== undefined || this.#before?.known?.wiping === true,
    };
  }

  #serve({ identities, wipe, places }: Served): void {
    if (this.#lastError) this.#parts.observe({ kind: 'loop-recovered', loop: 'root' });
    this.#lastError = undefined;
    this.#gate.open(identities);
    this.#inspected.open();
    const seen = JSON.stringify([identities, places.map((place) => [place.path, place.seen])]);
    if (wipe) this.#wiping.begin(wipe, seen);
    else this.#wiping.resume(leftByLastRun(places));
  }

  /** Records in the markers that the daemon runs, then in the database which root this is. */
  async #mark(seen: SeenRoot, verdict: Served): Promise<void> {
    const { markers, roots, observe } = this.#parts;
    const { places } = verdict;
    const due = this.#marks(seen, places).filter(({ path, marker }) => {
      const before = places.find(({ holder }) => holder === path)?.seen;
      return before?.kind !== 'marker' || JSON.stringify(before.marker) !== JSON.stringify(marker);
    });
    const without = places.filter(({ holder }) => holder === undefined).map(({ path }) => path);
    for (const path of without) {
      const where = [markers.root, path].filter((part) => part !== '').join('/');
      if (!this.#unmarked.has(path))
        observe({
          kind: 'notice',
          text: `Cannot keep a marker in ${where}: after a crash of the machine deleted pages could come back unseen there; let uncached write in it`,
        });
    }
    this.#unmarked = new Set(places.map(({ path }) => path));
    if (due.length > 0) await markers.write(due);
    this.#unmarked = new Set(without);
    const marked = places.filter(({ holder }) => holder !== undefined);
    const known: KnownRoot = {
      mountPoint: seen.mountPoint,
      places: Object.fromEntries(marked.map(({ path, id }) => [path, id])),
      wiping: false,
    };
    const registration = this.#registration(seen, verdict, known.places);
    await roots.register({ ...registration, wiping: false, taking: true });
    this.#id = registration.id;
    this.#marked = true;
    // Another directory needs another id.
    this.#newIds.clear();
    this.#before = { known, history: undefined };
  }

  #marks({ boot }: SeenRoot, places: readonly CacheMount[]): Mark[] {
    const { left } = this.#wiping;
    return places.flatMap(({ holder: path, id }) =>
      path === undefined ? [] : [{ path, marker: { id, boot, clean: false, left } }],
    );
  }
}
