/**
 * What is known of the directories that hold the cache. Root, and each front that is a mount of its own, has
 * a marker. It records across runs whether this is the cache, and whether the machine may have stopped
 * without warning, which can bring deleted pages back.
 */
export interface Marker {
  /** Undefined in a marker from an older version. */
  readonly id: string | undefined;
  /** The boot in which it was written. */
  readonly boot: string;
  /** The daemon stopped after everything was on the disk. */
  readonly clean: boolean;
  /** Paths that a wipe could not delete; `all` if they are too many to record. */
  readonly left: readonly string[] | 'all';
}

/**
 * `declared`: an empty one, with which an operator declares that this is the cache from now on. `strange`:
 * not a readable marker.
 */
export type MarkerSeen =
  | { readonly kind: 'marker'; readonly marker: Marker }
  | { readonly kind: 'absent' | 'declared' | 'strange' };

/** Root or a front that could be entered. */
export interface SeenFront {
  /** Below root; '' is root. */
  readonly path: string;
  /** On another mount than its parent directory; false for root. */
  readonly mounted: boolean;
  /** Device and inode. */
  readonly identity: string;
  readonly marker: MarkerSeen;
  /** `read-only`: the mount is read-only, which is an alert if a marker must be kept there. */
  readonly writable: 'yes' | 'no' | 'read-only';
}

export interface SeenRoot {
  readonly machine: string;
  readonly boot: string;
  /** Where the file system of root is mounted. */
  readonly mountPoint: string;
  /** Root first, each before those below it. */
  readonly fronts: readonly SeenFront[];
  /** Fronts that do not answer. */
  readonly silent: readonly string[];
  /** Fronts that are there and could not be entered: for lack of rights, or since their disk or server failed. */
  readonly refused: readonly string[];
}

/** A marker to write into a front. */
export interface Mark {
  readonly path: string;
  readonly marker: Marker;
}

/** The markers of a root. A path that is not a directory, or cannot be entered, is left out. */
export interface Markers {
  readonly root: string;
  /** Every front in the configuration. */
  readonly fronts: readonly string[];
  read(): Promise<SeenRoot>;
  write(marks: readonly Mark[]): Promise<void>;
  /** Writes every deletion to the disk, in zones, too; rejects if that takes too long. */
  sync(): Promise<void>;
}

/** The code of a refusal that concerns root as a whole: no part of the request counts as done. */
export const notTheCache = 'EROOT';

export function rootRefusal(why: string): Error {
  return Object.assign(new Error(why), { code: notTheCache });
}

/** A root as the database remembers it. */
export interface KnownRoot {
  /** By which its consumers are known. */
  readonly id: string;
  readonly mountPoint: string;
  /**
   * The ids of its markers, by the path of the mount below root. Empty for a mount that could not be seen when
   * root was last examined: its content is unknown when it is back.
   */
  readonly places: Readonly<Record<string, string>>;
}

export interface Registration extends KnownRoot, Where {
  /** Of root itself. */
  readonly identity: string;
}

/**
 * Which roots a database has. If the table is missing or may not be used, nothing is known and nothing is
 * remembered.
 */
export interface Roots {
  /** Undefined if it was never registered. */
  known(root: Where): Promise<KnownRoot | undefined>;
  /** Whether another directory was registered with this marker. */
  isCopy(root: Pick<Registration, 'id' | 'identity' | keyof Where>): Promise<boolean>;
  register(root: Registration): Promise<void>;
}

export interface Where {
  readonly path: string;
  readonly machine: string;
}
