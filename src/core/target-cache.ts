import type { Call, HandlerSettings } from './configuration.ts';
import type { RowFailure } from './consumer-contract.ts';
import type { Key } from './contracts.ts';
import type { Dependents } from './dependents.ts';
import type { Layer } from './layers.ts';

/**
 * Where something cached lives and how it is made to go: files below a root, a program to run. Each kind has a
 * folder below caches/. cache-kinds.ts lists them, and nothing else asks which kind a cache is of.
 */
export interface TargetCache {
  /**
   * Clears, and resolves when it is gone. What is gone already is a success; what cannot be cleared is
   * reported and stops nothing else. The iterable is read in parts; a list in it stays together, as the parts
   * of a page must. Rejects if the cache as a whole cannot be used, and nothing counts as done; the caller
   * then repeats it, so it must allow a second iteration.
   */
  clear(works: Iterable<string | readonly string[]>, how?: ClearRequirements): Promise<ClearResult>;
  /** Clears all of it, since its content is unknown. Without this, what the lines of its steps can name is cleared. */
  wipe?(): Promise<void>;
  /** False: nothing empties it. Where its content is unknown, at least what it has not settled is cleared. */
  readonly canBeWiped?: boolean;
  /** With more rows than this to clear together, it is wiped instead. */
  readonly wipesOver?: number | undefined;
  /** Clearing a key early costs little: a notification that names it has it cleared at once. */
  readonly takesHints?: boolean;
  /** The daemon stops: what is under way rejects with this error, if it could take long. */
  end?(error: Error): void;
  /** Where it is, as people write it. */
  readonly place?: string;
  /** Why it cannot be used at present. */
  readonly problem?: string | undefined;
  /** It may be slow or gone: its rows come from the log, and no clearing of another cache waits for it. */
  readonly readsLog?: boolean;
  /** Where it stands; without this, behind the page files. */
  readonly layer?: Layer;
  /** How long after what it stands behind has settled it settles. */
  readonly lagMs?: number;
}

/** What a handler clears in one cache. */
export interface Step {
  /** Of the cache. */
  readonly kind: string;
  /** The name of the cache. */
  readonly cache: string;
  /** The lines of the handler, parsed. */
  readonly plans: readonly Plan[];
  /** What is cleared once for each batch, whatever its keys: the works of the handlers under `then`. */
  readonly shared: readonly string[];
  /** The handler that each of these works belongs to. */
  readonly followerOf: ReadonlyMap<string, string>;
  /** The handler's keys have dependents, which this function names; it is asked before each clearing. */
  readonly expand?: Expand;
  /** Who asks it. */
  readonly dependents?: Dependents;
}

export interface Expand {
  readonly call: Call;
  /** The queue table, whose columns lines may name as well. */
  readonly queue: string | undefined;
  /** Columns that the handler's lines name; none: all that the function returns. */
  readonly named: readonly string[];
}

/**
 * Reads from the settings of a handler what it clears in caches of one kind.
 * @param followers the handlers under its `then`
 */
export type ReadSteps = (
  own: HandlerSettings,
  followers: readonly HandlerSettings[],
) => { steps: Step[]; problems: string[] };

/** A line of a handler, parsed by the kind of cache that it is for. */
export interface Plan {
  readonly text: string;
  /** Key columns that it names; none: it is cleared once for each batch. */
  readonly columns: readonly string[];
  /** What to clear for one key, in the words of the cache. Throws an Error for a key with which nothing can be cached. */
  expand(key: Key): string;
  /** Works that cover every key. */
  readonly everything: readonly string[];
}

export interface ClearRequirements {
  /** Other requests go first, though not for ever. */
  readonly background?: boolean;
  /** It is sure to be cleared again when settled: what is costly may wait until then. */
  readonly secondFollows?: boolean;
  /** Works whose result is also counted separately. */
  readonly countApart?: readonly string[];
}

export interface ClearResult {
  /** Files, or runs. */
  readonly files: number;
  /** How many of them there were for a work that is counted separately. */
  readonly filesApart?: Readonly<Record<string, number>>;
  readonly failures: readonly WorkFailure[];
  /** What was deleted; only on request. */
  readonly paths?: readonly string[];
}

/** A work that could not be done. `error`: what failed and why, as text. */
export interface WorkFailure extends Omit<RowFailure, 'id'> {
  readonly work: string;
}
