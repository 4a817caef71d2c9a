import type { Step } from '../explore.ts';
import { type Follower, followerAtStart, followerBecomes } from './follower.ts';
import { appended, mayAppend, newest } from './log.ts';
import { type Consumer, rowOf } from './membership.ts';
import type { Setup } from './plan.ts';
import type { Protocol } from './protocol.ts';
import type { World } from './world.ts';
import { cleared } from './writer.ts';

/** All that it had in memory is void. */
export function takenUp(world: World, who: number, setup: Setup): Follower {
  const { row } = rowOf(world, who, setup);
  if (row.is === 'expired' || row.is === 'unknown') return { ...followerAtStart, is: 'joining' };
  const { settledTo, registration } = row;
  return beginning(settledTo, { registration, wipes: row.is === 'wiping' });
}

/**
 * A consumer that is new, has expired, or died while it wiped. What was appended before need not be read,
 * since the wipe comes after it; what is appended after will be read.
 */
export function* registrationSteps(world: World, who: number, setup: Setup): Generator<Step<World>> {
  const { consumer, row, follower } = rowOf(world, who, setup);
  const { returns, registers, live, wipe } = setup.protocol;
  const becomes = followerBecomes(world, who, setup);
  if (returns === 'wipes, registers' && follower.is === 'joining') {
    yield becomes('wipes', { is: 'wiped' }, cleared(world, consumer, setup));
    return;
  }
  const registration = row.registration + 1;
  const wipes = returns === 'registers, wipes';
  const failing = world.failing.filter((row) => row.of !== consumer);
  if (wipe === 'a row of the log') {
    if (!mayAppend(world, setup.protocol)) return;
    const { log, lastId } = appended(world, 'everything', consumer);
    const settledTo = live === 'at once' ? lastId : lastId - 1;
    const consumers = world.consumers.with(consumer, { is: 'live', settledTo, registration });
    const change = beginning(lastId - 1, { registration, wipes: false });
    yield becomes(`registers, and appends row ${lastId}`, change, { log, lastId, consumers, failing });
    return;
  }
  const settledTo = newestFor(world, registers);
  const is = wipes && live !== 'at once' ? 'wiping' : 'live';
  const consumers = world.consumers
    .with(consumer, { is, settledTo, registration })
    .map((other, index) => (hasToWipe(index, consumer, other, setup) ? wiping(other) : other));
  const change = beginning(settledTo, { registration, wipes });
  yield becomes(`registers at ${settledTo}`, change, { consumers, failing });
}

function newestFor({ log, lastId, consumers }: World, registers: Protocol['registers']): number {
  if (registers === 'at the last id given out') return lastId;
  const known = registers === 'at the newest row' ? [] : consumers.map(({ settledTo }) => settledTo);
  return Math.max(newest(log), ...known);
}

function hasToWipe(index: number, inner: number, { is }: Consumer, { consumers, protocol }: Setup): boolean {
  const known = is === 'live' || is === 'wiping';
  return known && consumers[index]?.behind === inner && protocol.innerReturns === 'outer wipes after it';
}

function wiping({ settledTo, registration }: Consumer): Consumer {
  return { is: 'wiping', settledTo, registration: registration + 1 };
}

function beginning(settledTo: number, { registration, wipes }: Pick<Follower, 'registration' | 'wipes'>) {
  return {
    ...followerAtStart,
    is: 'up' as const,
    seen: settledTo,
    begun: settledTo,
    registration,
    wipes,
    pending: wipes,
  };
}
