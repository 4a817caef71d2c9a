import type { Daemon } from './daemon.ts';
import type { Step } from './explore.ts';
import type { Page, World } from './world.ts';

/**
 * A process that renders pages. A fenced writer (src/page-cache) opens its temp before its snapshot, and its
 * rename fails once a clearing has deleted the temp. An unfenced writer renders in a spool that no clearing
 * touches, and renames at any time. The other model covers how temps and pages are listed and deleted one by
 * one. Here each of the two is one step.
 */
export type WriterKind = 'fenced' | 'unfenced';

export interface Writer {
  readonly kind: WriterKind;
  readonly is: 'not begun' | 'temp open' | 'rendering' | 'ended';
  /** What its snapshot shows. */
  readonly read: Page;
}

export function writerAtStart(kind: WriterKind): Writer {
  return { kind, is: 'not begun', read: 'absent' };
}

export function* writerSteps(world: World, who: number): Generator<Step<World>> {
  const writer = world.writers[who] ?? writerAtStart('unfenced');
  const step = (label: string, change: Partial<Writer>, rest: Partial<World> = {}): Step<World> => ({
    label: `${writer.kind} writer: ${label}`,
    state: { ...world, ...rest, writers: world.writers.with(who, { ...writer, ...change }) },
  });
  if (writer.is === 'not begun' && writer.kind === 'fenced') {
    yield step('opens its temp', { is: 'temp open' });
  } else if (writer.is === 'not begun' || writer.is === 'temp open') {
    yield step('reads the datum', { is: 'rendering', read: 'fresh' });
  } else if (writer.is === 'rendering') {
    const daemons = unawaited(world, who);
    yield step(`publishes a ${writer.read} page`, ended, { daemons, page: writer.read });
    yield step('gives up', ended, { daemons });
  }
}

const ended = { is: 'ended', read: 'absent' } as const;

/** Without its temp a render can only fail, so it ends here. */
export function withoutTemps({ writers }: World): Writer[] {
  return writers.map((writer) =>
    writer.kind === 'fenced' && writer.is !== 'not begun' ? { ...writer, ...ended } : writer,
  );
}

/** The renders that `settle` outlasts. A fenced render may take any time. */
export function unfencedRenders({ writers }: World): number[] {
  return [...writers.entries()].flatMap(([who, { kind, is }]) =>
    kind === 'unfenced' && is === 'rendering' ? [who] : [],
  );
}

function unawaited({ daemons }: World, who: number): Daemon[] {
  return daemons.map((daemon) => ({
    ...daemon,
    batches: daemon.batches.map((batch) => ({ ...batch, renders: batch.renders.filter((it) => it !== who) })),
  }));
}
