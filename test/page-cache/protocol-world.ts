import type { Model } from '../model/explore.ts';
import { clears } from './protocol-clearing.ts';
import type { Directory, Name } from './protocol-directory.ts';
import { writes } from './protocol-writer.ts';

/** The rules of a protocol. An existing program has made each wrong choice. */
export interface Rules {
  readonly writers: number;
  readonly changes: number;
  /**
   * `fixed`: P. J. Eby's single name, opened with O_EXCL as a lock. `elsewhere`: a spool directory that no
   * clearing lists.
   */
  readonly temp: 'unique' | 'fixed' | 'elsewhere';
  readonly steps: readonly ('open' | 'snapshot' | 'write half' | 'write rest' | 'rename')[];
  /** What is deleted after each listing, in this order. */
  readonly listings: readonly (readonly ('temp' | 'page')[])[];
  /** The same for the first of two clearings, if it leaves something to the second. */
  readonly first?: Rules['listings'];
  /** Whether it clears once more: at once, or when every render that began before the change has ended. */
  readonly settle: boolean | 'at once';
  /** Which running renders a reader of the same program joins. */
  readonly join: 'temp in place' | 'any' | 'none';
}

export interface World {
  /** The number of committed changes, and how many of them a clearing has completely handled. */
  readonly committed: number;
  readonly cleared: number;
  readonly directory: Directory;
  /**
   * By writer. Names point to them. `version`: the changes that its snapshot contains. `written`: 2 is
   * complete.
   */
  readonly files: readonly { readonly version: number; readonly written: number }[];
  /** By writer: the number of steps taken. All of them when the writer has ended or died. */
  readonly writers: readonly number[];
  readonly clearing: {
    readonly upTo: number;
    readonly pass: number;
    readonly todo: readonly Name[] | null;
    readonly again: boolean;
  } | null;
  /** The writer whose render a reader joined, and what had been cleared when the reader came. */
  readonly reader: { readonly joined: number; readonly cleared: number } | null;
}

export function protocol(rules: Rules): Model<World> {
  return {
    start: {
      committed: 0,
      cleared: 0,
      directory: { entries: {}, listing: null },
      files: Array.from({ length: rules.writers }, () => ({ version: -1, written: 0 })),
      writers: Array.from({ length: rules.writers }, () => 0),
      clearing: null,
      reader: null,
    },
    *next(world) {
      const { committed } = world;
      if (committed < rules.changes)
        yield { label: `change ${committed + 1} commits`, state: { ...world, committed: committed + 1 } };
      for (let writer = 0; writer < rules.writers; writer++) yield* writes(rules, world, writer);
      yield* clears(rules, world);
    },
    broken: ({ directory, files, cleared, reader }) => {
      const page = files[directory.entries.page ?? -1];
      const joined = files[reader?.joined ?? -1];
      if (page && page.written < 2) return 'torn page';
      // Stronger than "in a quiet state": after the end of a clearing nobody ever sees what it had to clear.
      if (page && page.version < cleared) return 'stale page';
      if (joined && reader && joined.version >= 0 && joined.version < reader.cleared)
        return 'stale render joined';
      return undefined;
    },
  };
}
