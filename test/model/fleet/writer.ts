import type { Step } from '../explore.ts';
import type { Page } from '../world.ts';
import { everyCohort } from './cohort.ts';
import type { Setup } from './plan.ts';
import type { World } from './world.ts';

/**
 * Whoever fills a cache: a fenced or an unfenced writer of pages (../writer.ts), or an outer cache that stores
 * what it was answered by the inner one. An answer on its way is not fenced.
 */
export interface WriterPlan {
  readonly kind: 'fenced' | 'unfenced';
  readonly into: number;
  /** It asks the inner cache, which answers with its page or, having none, with a new one. */
  readonly asks?: 'the inner cache';
}

export interface Writer {
  readonly is: 'not begun' | 'temp open' | 'rendering' | 'ended';
  /** What its snapshot shows, or the answer that it got. */
  readonly read: Page;
}

export const writerAtStart: Writer = { is: 'not begun', read: 'absent' };

export function* writerSteps(world: World, who: number, setup: Setup): Generator<Step<World>> {
  const writer = world.writers[who] ?? writerAtStart;
  const { kind, into, asks } = setup.writers[who] ?? { kind: 'unfenced', into: 0 };
  const { name, behind } = setup.consumers[into] ?? { name: '' };
  const step = (label: string, change: Partial<Writer>, rest: Partial<World> = {}): Step<World> => ({
    label: `${asks ? `request through ${name}` : `${kind} writer of ${name}`}: ${label}`,
    state: { ...world, ...rest, writers: world.writers.with(who, { ...writer, ...change }) },
  });
  if (writer.is === 'not begun' && kind === 'fenced') {
    yield step('opens its temp', { is: 'temp open' });
  } else if ((writer.is === 'not begun' || writer.is === 'temp open') && asks) {
    const answer = world.pages[behind ?? -1] === 'stale' ? 'stale' : 'fresh';
    yield step(`is answered with a ${answer} page`, { is: 'rendering', read: answer });
  } else if (writer.is === 'not begun' || writer.is === 'temp open') {
    yield step('reads the datum', { is: 'rendering', read: 'fresh' });
  } else if (writer.is === 'rendering') {
    const followers = everyCohort(world.followers, (cohort) => ({
      ...cohort,
      renders: cohort.renders.filter((render) => render !== who),
    }));
    const pages = world.pages.with(into, writer.read);
    yield step(`${asks ? 'stores' : 'publishes'} a ${writer.read} page`, ended, { followers, pages });
    yield step('gives up', ended, { followers });
  }
}

const ended = { is: 'ended', read: 'absent' } as const;

/** The page and its temps are deleted. Without its temp a render can only fail, so it ends here. */
export function cleared(world: World, consumer: number, { writers: plans }: Setup): Partial<World> {
  const loses = (who: number) => plans[who]?.kind === 'fenced' && plans[who].into === consumer;
  return {
    pages: world.pages.with(consumer, 'absent'),
    writers: world.writers.map((writer, who) =>
      loses(who) && writer.is !== 'not begun' ? { ...writer, ...ended } : writer,
    ),
  };
}

/** The renders that `settle` and `lag` outlast. A fenced render may take any time. */
export function unfencedRenders(world: World, consumer: number, { writers: plans }: Setup): number[] {
  return [...world.writers.entries()].flatMap(([who, { is }]) =>
    is === 'rendering' && plans[who]?.kind === 'unfenced' && plans[who].into === consumer ? [who] : [],
  );
}
