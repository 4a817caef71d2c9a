import type { Step } from '../explore.ts';
import type { Setup } from './plan.ts';
import type { Protocol } from './protocol.ts';
import type { World } from './world.ts';

/** A row is visible to others when the claim that appended it has been committed. */
export interface LogRow {
  readonly id: number;
  readonly names: 'the key' | 'another key' | 'everything';
  /** The consumer that it is for, and those in front of that one. -1 is everyone. */
  readonly of: number;
  /** The claim that has not been committed. -1 is none. */
  readonly by: number;
}

export function committed(log: readonly LogRow[]): LogRow[] {
  return log.filter(({ by }) => by === -1);
}

export function newest(log: readonly LogRow[]): number {
  return committed(log).at(-1)?.id ?? 0;
}

/** Whether that consumer has to clear this row: an outer cache has what the inner one served. */
export function concerns(consumer: number, { names, of }: LogRow, { consumers, protocol }: Setup): boolean {
  const behind = protocol.innerReturns === 'outer goes on' ? undefined : consumers[consumer]?.behind;
  return names !== 'another key' && (of === -1 || of === consumer || of === behind);
}

/** Whether a row may be appended now. */
export function mayAppend({ log }: World, { appends }: Protocol): boolean {
  return appends === 'side by side' || log.every(({ by }) => by === -1);
}

/** Appends a row in a transaction of its own. */
export function appended({ log, lastId }: World, names: LogRow['names'], of: number) {
  return { log: [...log, { id: lastId + 1, names, of, by: -1 }], lastId: lastId + 1 };
}

/** Any daemon trims. Whoever has expired holds up nobody. */
export function* trimSteps(world: World, { trims }: Protocol): Generator<Step<World>> {
  const positions = world.consumers.flatMap(({ is, settledTo }) =>
    is === 'live' || is === 'wiping' ? [settledTo] : [],
  );
  const furthest = newest(world.log);
  const to = trims === 'to the slowest' ? Math.min(furthest, ...positions) : Math.max(0, ...positions);
  const log = world.log.filter(({ id, by }) => id > to || by !== -1);
  if (log.length < world.log.length) yield { label: `the log is trimmed to ${to}`, state: { ...world, log } };
}
