import type { Observe } from '../../core/events.ts';
import type { KnownRoot, Mark, Marker, Markers, Roots, SeenRoot } from '../../core/root.ts';
import { judgeRoot, type RootVerdict, rootId } from './judge-root.ts';

interface RecordParts {
  readonly markers: Markers;
  readonly roots: Roots;
  readonly newId: () => string;
  readonly observe: Observe;
}

/** Root is the cache. */
export type Served = Extract<RootVerdict, { isCache: true }>;

/** What is known of root across runs: by its markers, and by the database. */
export class RootRecord {
  readonly #parts: RecordParts;
  readonly #newIds = new Map<string, string>();
  /** What the database knows of the root with this marker. */
  #before: { id: string; known: KnownRoot | undefined; isCopy: boolean } | undefined;
  /** Mounts without a marker, because none could be written. */
  #unmarked: ReadonlySet<string> = new Set();
  #isMarked = false;

  constructor(parts: RecordParts) {
    this.#parts = parts;
  }

  /** The markers record that the daemon runs. */
  get isMarked(): boolean {
    return this.#isMarked;
  }

  idOf({ places }: Served): string {
    // Where no marker can be kept, the database alone remembers it.
    return places[0]?.id ?? this.#before?.known?.id ?? this.#newId('');
  }

  async judge(seen: SeenRoot): Promise<RootVerdict> {
    const { markers, roots } = this.#parts;
    const where = { path: markers.root, machine: seen.machine };
    const id = rootId(seen) ?? '';
    if (this.#before?.id !== id)
      this.#before = {
        id,
        known: this.#before?.known ?? (await roots.known(where)),
        isCopy: await roots.isCopy({ ...where, id, identity: seen.fronts[0]?.identity ?? '' }),
      };
    return judgeRoot(seen, {
      root: markers.root,
      fronts: markers.fronts,
      ...this.#before,
      unmarked: this.#unmarked,
      newId: (path) => this.#newId(path),
    });
  }

  /** Records in the markers that the daemon runs, then in the database which root this is. */
  async mark(seen: SeenRoot, verdict: Served, left: Marker['left']): Promise<void> {
    const { markers, roots, observe } = this.#parts;
    const { places } = verdict;
    const due = marksOf(seen, verdict, left).filter(({ path, marker }) => {
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
      id: this.idOf(verdict),
      mountPoint: seen.mountPoint,
      places: { ...this.#unseen(verdict), ...Object.fromEntries(marked.map(({ path, id }) => [path, id])) },
    };
    await roots.register({
      ...known,
      path: markers.root,
      machine: seen.machine,
      identity: seen.fronts[0]?.identity ?? '',
    });
    this.#isMarked = true;
    // Another directory needs another id.
    this.#newIds.clear();
    this.#before = { id: marked[0]?.id ?? '', known, isCopy: false };
  }

  /**
   * Mounts with a marker that could not be seen now. No id is theirs any more, so they are wiped when they are
   * back: they may have been unmounted, replaced or rolled back meanwhile.
   */
  #unseen({ places }: Served): Record<string, string> {
    const seen = new Set(places.map(({ path }) => path));
    const before = Object.keys(this.#before?.known?.places ?? {});
    const unseen = before.filter(
      (path) => path !== '' && !seen.has(path) && this.#parts.markers.fronts.includes(path),
    );
    return Object.fromEntries(unseen.map((path) => [path, '']));
  }

  #newId(path: string): string {
    const id = this.#newIds.get(path) ?? this.#parts.newId();
    this.#newIds.set(path, id);
    return id;
  }
}

export function marksOf({ boot }: SeenRoot, { places }: Served, left: Marker['left']): Mark[] {
  return places.flatMap(({ holder: path, id }) =>
    path === undefined ? [] : [{ path, marker: { id, boot, clean: false, left } }],
  );
}
