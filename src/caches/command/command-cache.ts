import type { Handler } from '../../clearing/handler.ts';
import { toError } from '../../core/errors.ts';
import type { ReadSteps, Step, TargetCache } from '../../core/target-cache.ts';
import type { RunCommand } from './command.ts';

/** The kind, in which each handler that runs a program has a cache of its own. */
export const command = 'command';

/**
 * From `run`, its own and those of its followers. A program may take its whole time-out each time, and other
 * handlers must not wait for it. A work is a program with its arguments, blanks between them.
 */
export const readCommandSteps: ReadSteps = ({ name, run }, followers) => {
  const shared = [{ run }, ...followers].flatMap((one) =>
    one.run === undefined ? [] : [one.run.split(/\s+/).join(' ')],
  );
  const step: Step = { kind: command, cache: name, plans: [], shared, followerOf: new Map() };
  return { steps: shared.length > 0 ? [step] : [], problems: [] };
};

/** The programs that it runs, and those of its followers. */
export function programsOf({ steps }: Handler): string[] {
  return steps.filter(({ kind }) => kind === command).flatMap(({ shared }) => shared);
}

/** After the first that fails, no other is run: they are run in order. */
export function commandCache(run: RunCommand): TargetCache {
  return {
    async clear(works) {
      for (const work of [...works].flat()) {
        try {
          await run(work.split(' '));
        } catch (error) {
          return { files: 0, failures: [{ work, error: toError(error).message }] };
        }
      }
      return { files: 0, failures: [] };
    },
  };
}
