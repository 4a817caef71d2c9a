import type { KnownRoot, Marker, MarkerSeen, SeenFront, SeenRoot } from '../../core/root.ts';

/** A mount that contains directories of the cache. */
export interface CacheMount {
  /** Where it is mounted, below root; '' for root's own mount. */
  readonly path: string;
  /** The front that has or gets its marker; undefined if the daemon may write in none. */
  readonly holder: string | undefined;
  readonly id: string;
  readonly seen: MarkerSeen;
}

/** Why everything that a template can name must be cleared once. */
export type WipeReason = 'crash' | 'unknown' | 'copy' | 'new' | 'expired';

export type RootVerdict =
  | { readonly isCache: false; readonly why: string }
  | {
      readonly isCache: true;
      readonly places: readonly CacheMount[];
      readonly wipe: WipeReason | undefined;
      readonly identities: Readonly<Record<string, string>>;
    };

interface Knowledge {
  readonly root: string;
  /** By configuration. */
  readonly fronts: readonly string[];
  /** Undefined: no daemon has used this root before. */
  readonly known: KnownRoot | undefined;
  /** Another directory has the same marker. */
  readonly isCopy: boolean;
  /** Mounts whose marker could not be written yet. */
  readonly unmarked: ReadonlySet<string>;
  readonly newId: (path: string) => string;
}

/**
 * Decides whether the directory in root's place is the cache, and what to do before it is used.
 *
 * A marker with the known id identifies the cache, wherever it is mounted now. Without such a marker, the
 * reason may be a file system that is no longer mounted: then nothing is cleared until it is back. Anything
 * else becomes the cache from now on, under its own id or a new one, and is wiped, since its content is
 * unknown. If the former cache comes back, it no longer has the known id and is wiped too.
 */
export function judgeRoot(seen: SeenRoot, knowledge: Knowledge): RootVerdict {
  const groups = groupsOf(seen.fronts);
  const why = unmounted(seen, groups, knowledge);
  if (why !== undefined) return { isCache: false, why };
  const places: CacheMount[] = [];
  const reasons = new Set<WipeReason>();
  if (knowledge.isCopy) reasons.add('copy');
  if (givenUp(groups, knowledge)) reasons.add('unknown');
  for (const [path, fronts] of groups) {
    const holder = holderOf(fronts);
    if (!holder && isPlain(fronts)) continue;
    const marker: MarkerSeen = holder?.marker ?? { kind: 'absent' };
    const reason = wipeReason({ path, marker, written: holder !== undefined }, seen, knowledge);
    if (reason) reasons.add(reason);
    const marked = knowledge.isCopy ? undefined : idOf(marker);
    const id = marked ?? (holder || places.length > 0 ? undefined : idWithout(path, knowledge));
    places.push({ path, holder: holder?.path, id: id ?? knowledge.newId(path), seen: marker });
  }
  const [wipe] = reasons;
  return { isCache: true, places, wipe, identities: identitiesOf(seen.fronts) };
}

/** The id by which a root is known: that of its first mount. */
export function rootId({ fronts }: SeenRoot): string | undefined {
  for (const group of groupsOf(fronts).values()) {
    const id = idOf(holderOf(group)?.marker ?? { kind: 'absent' });
    if (id !== undefined) return id;
  }
  return undefined;
}

/** Root with the fronts on its own mount, then each other mount with the fronts on it. */
function groupsOf(fronts: readonly SeenFront[]): Map<string, SeenFront[]> {
  const groups = new Map<string, SeenFront[]>();
  for (const front of fronts) {
    const inside = [...groups.keys()].filter((path) => path === '' || front.path.startsWith(`${path}/`));
    const place = front.mounted || inside.length === 0 ? front.path : (inside.at(-1) ?? '');
    groups.set(place, [...(groups.get(place) ?? []), front]);
  }
  return groups;
}

/** Where the marker is, or the first directory that may have it. */
function holderOf(fronts: readonly SeenFront[]): SeenFront | undefined {
  return (
    fronts.find(({ marker }) => marker.kind !== 'absent') ??
    fronts.find(({ writable }) => writable === 'yes') ??
    (isPlain(fronts) ? undefined : fronts.find(({ writable }) => writable === 'read-only'))
  );
}

/** A root whose sets are all mounts of their own: nothing is deleted in root itself. */
function isPlain(fronts: readonly SeenFront[]): boolean {
  return fronts.length === 1 && fronts[0]?.path === '';
}

function idOf(seen: MarkerSeen): string | undefined {
  return seen.kind === 'marker' ? seen.marker.id : undefined;
}

function identitiesOf(fronts: readonly SeenFront[]): Record<string, string> {
  const confined = fronts.filter(({ path, mounted }) => path === '' || mounted);
  return Object.fromEntries(confined.map(({ path, identity }) => [path, identity]));
}

/** Says what is missing, if a file system that held the cache seems not to be mounted. */
function unmounted(
  { mountPoint, fronts: seen, silent, refused }: SeenRoot,
  groups: ReadonlyMap<string, readonly SeenFront[]>,
  { root, fronts, known }: Knowledge,
): string | undefined {
  if (!known) return undefined;
  const declare = (directory: string) =>
    `Mount it. Or, if this is the cache from now on, make its marker empty: ": > ${directory}/.uncached"`;
  const marker: MarkerSeen = holderOf(groups.get('') ?? [])?.marker ?? { kind: 'absent' };
  const id = known.places[''];
  const other = idOf(marker) !== id && marker.kind !== 'declared';
  if (id !== undefined && other && isBelow(known.mountPoint, mountPoint))
    return `root ${root} is not the cache, whose marker is missing: the file system at ${known.mountPoint} is not mounted. ${declare(root)}`;
  const unseen = [...silent, ...refused];
  for (const path of mountsSeen(known)) {
    if (groups.has(path) || !fronts.includes(path) || isAtOrBelow(path, unseen)) continue;
    if (seen.find((front) => front.path === path)?.marker.kind === 'declared') continue;
    return `${root}/${path} is not the cache, whose marker is missing: the file system at ${root}/${path} is not mounted. ${declare(`${root}/${path}`)}`;
  }
  return undefined;
}

/** Whether a file system that held a part of the cache would no longer be one of its mounts. */
function givenUp(groups: ReadonlyMap<string, readonly SeenFront[]>, { known, fronts }: Knowledge): boolean {
  const here = [...groups.values()].flat();
  return mountsSeen(known).some(
    (path) =>
      !groups.has(path) && fronts.includes(path) && here.find((front) => front.path === path) !== undefined,
  );
}

/** Without those that could not be seen the last time: they may have been unmounted since, to bring them back. */
function mountsSeen(known: KnownRoot | undefined): string[] {
  return Object.entries(known?.places ?? {}).flatMap(([path, id]) => (id === '' ? [] : [path]));
}

/** Where no marker can be kept, and none was before, the database alone remembers the id. */
function idWithout(path: string, { known }: Knowledge): string | undefined {
  return known?.places[path] === undefined ? known?.id : undefined;
}

function isAtOrBelow(path: string, directories: readonly string[]): boolean {
  return directories.some((one) => path === one || path.startsWith(`${one}/`));
}

function isBelow(path: string, directory: string): boolean {
  return path !== directory && path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}

function wipeReason(
  { path, marker, written }: { path: string; marker: MarkerSeen; written: boolean },
  { boot }: SeenRoot,
  { known, unmarked }: Knowledge,
): WipeReason | undefined {
  const knew = known !== undefined && Object.keys(known.places).length > 0;
  switch (marker.kind) {
    case 'marker':
      if (knew && marker.marker.id !== known.places[path]) return 'unknown';
      return mayHaveCrashed(marker.marker, boot) ? 'crash' : undefined;
    case 'absent':
      return knew && written && !unmarked.has(path) ? 'unknown' : undefined;
    default:
      return 'unknown';
  }
}

function mayHaveCrashed(marker: Marker, boot: string): boolean {
  return !marker.clean && !sameBoot(marker.boot, boot);
}

/**
 * Adjusting the clock changes the second of the boot, so a difference of up to a minute counts as the same
 * boot.
 */
function sameBoot(one: string, other: string): boolean {
  const [first, second] = [one, other].map((boot) => Number(/^booted (\d+)$/.exec(boot)?.[1]));
  return one === other || Math.abs((first ?? Number.NaN) - (second ?? Number.NaN)) <= 60;
}
