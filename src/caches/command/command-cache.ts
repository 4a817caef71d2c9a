import type { Handler } from '../../clearing/handler.ts';
import type { Key } from '../../core/contracts.ts';
import { toError } from '../../core/errors.ts';
import type { RunCommand } from '../../core/run-command.ts';
import type { ReadSteps, Step, TargetCache } from '../../core/target-cache.ts';
import { keySize } from '../../core/value-size.ts';

/** The kind, in which each handler that runs a program has a cache of its own. */
export const command = 'command';

/**
 * From `run`, its own and those of its followers. A program may take its whole time-out each time, and other
 * handlers must not wait for it. A work is a program with its arguments, blanks between them, or a key for it to
 * read: an object of JSON.
 */
export const readCommandSteps: ReadSteps = ({ name, run }, followers) => {
  const shared = [{ run }, ...followers].flatMap((one) =>
    one.run === undefined ? [] : [one.run.split(/\s+/).join(' ')],
  );
  const key = { text: run ?? '', columns: [], expand: keyLine, everything: [] };
  const step: Step = { kind: command, cache: name, plans: [key], shared, followerOf: new Map() };
  return { steps: shared.length > 0 ? [step] : [], problems: [] };
};

/** A key that is too large to be read, or has no column, is an empty one. */
function keyLine(key: Key): string {
  return JSON.stringify(key[keySize] === undefined ? key : {});
}

const isKey = (work: string) => /^\{("|\}$)/.test(work);

/** The programs that it runs, and those of its followers. */
export function programsOf({ steps }: Handler): string[] {
  return steps.filter(({ kind }) => kind === command).flatMap(({ shared }) => shared);
}

/**
 * After the first that fails, no other is run: they are run in order. Each has the keys in its standard input, one a
 * line; none, where all may have changed.
 */
export function commandCache(run: RunCommand): TargetCache {
  return {
    async clear(works) {
      const all = [...works].flat();
      const lines = all.filter((work) => isKey(work) && work !== '{}').map((work) => `${work}\n`);
      for (const work of all.filter((one) => !isKey(one))) {
        try {
          await run(work.split(' '), { input: lines.join('') });
        } catch (error) {
          return { files: 0, failures: [{ work, error: toError(error).message }] };
        }
      }
      return { files: 0, failures: [] };
    },
  };
}
