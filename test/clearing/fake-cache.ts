import { readHandlers, stepsOf } from '../../src/cache-kinds.ts';
import type { HandlerSettings } from '../../src/core/configuration.ts';
import type { ClearRequirements, ClearResult, Step, TargetCache } from '../../src/core/target-cache.ts';

/** The steps of page files for these handlers; by default of one, `page`, whose pages are named by their key. */
export function filesSteps(handlers: readonly Partial<HandlerSettings>[] = [{}]): ReadonlyMap<string, Step> {
  const followers = handlers.flatMap((handler) => handler.followers ?? []);
  const settings = handlers.map(({ name = 'page', ...one }) => ({
    name,
    ...(!followers.includes(name) && { queue: name }),
    clear: ['{id}'],
    followers: [],
    ...one,
  }));
  const steps = stepsOf(readHandlers(settings).handlers.values(), { kind: 'files', always: [] }).get('files');
  if (!steps) throw new Error('no steps');
  return steps;
}

/** Records each request to clear. Some fail, and some end when the test says so. */
export class FakeCache implements TargetCache {
  readonly steps: ReadonlyMap<string, Step>;
  /** What was cleared, clearing by clearing; at its end `again`, if it was the second one. */
  readonly done: string[] = [];
  refused: string[] = [];
  wipesOver: number | undefined;
  takesHints = false;
  /** While set, every clearing rejects. */
  broken: Error | undefined;
  /** A clearing that includes this one waits. */
  held: string | undefined;
  #release = () => {};

  constructor(steps = filesSteps()) {
    this.steps = steps;
  }

  async clear(works: Iterable<string | readonly string[]>, how?: ClearRequirements): Promise<ClearResult> {
    const all = [...works].flat();
    if (this.held !== undefined && all.includes(this.held))
      await new Promise<void>((resolve) => {
        this.#release = resolve;
      });
    if (this.broken) throw this.broken;
    this.done.push(
      [...all, ...(how?.secondFollows ? [] : [how?.background ? 'again' : 'for good'])].join(' '),
    );
    const failing = all.filter((work) => this.refused.includes(work));
    return {
      files: all.length - failing.length,
      failures: failing.map((work) => ({ work, error: `cannot clear ${work}`, code: 'EIO' })),
    };
  }

  release(): void {
    this.held = undefined;
    this.#release();
  }

  /** Since the last look. */
  cleared(): string[] {
    return this.done.splice(0);
  }
}
