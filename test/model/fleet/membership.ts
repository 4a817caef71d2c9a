import type { Step } from '../explore.ts';
import type { Cohort } from './cohort.ts';
import { consumerOf, type Follower, followerAtStart } from './follower.ts';
import type { Setup } from './plan.ts';
import type { Protocol } from './protocol.ts';
import type { World } from './world.ts';

/** The consumer's row in the database. */
export interface Consumer {
  readonly is: 'unknown' | 'wiping' | 'live' | 'expired';
  readonly settledTo: number;
  /** Each registration has its own number, which distinguishes it from later ones. */
  readonly registration: number;
}

export const consumerAtStart: Consumer = { is: 'live', settledTo: 0, registration: 0 };

/** What a follower must repeat, according to its own row. */
export function noticed(world: World, who: number, setup: Setup): string | undefined {
  const { row, follower } = rowOf(world, who, setup);
  if (row.is === 'expired' || row.is === 'unknown') return 'it has expired';
  if (setup.protocol.callsLive === 'its own registration')
    return row.registration === follower.registration ? undefined : 'it has been registered again';
  return row.is === 'wiping' && !isWiping(follower) ? 'it has to wipe' : undefined;
}

/** Another node has not seen it for long. It may be dead, or may only hang. */
export function* expirySteps(world: World, { consumers }: Setup): Generator<Step<World>> {
  const { expiriesLeft } = world;
  for (const consumer of new Set(expiriesLeft)) {
    const row = world.consumers[consumer];
    if (row?.is !== 'live' && row?.is !== 'wiping') continue;
    const expired = world.consumers.with(consumer, { ...row, is: 'expired' });
    const left = expiriesLeft.toSpliced(expiriesLeft.indexOf(consumer), 1);
    const state = { ...world, consumers: expired, expiriesLeft: left };
    yield { label: `${consumers[consumer]?.name} EXPIRES`, state };
  }
}

/** A cohort is done. Returns the row, unless it is not this follower's any more. */
export function advanced(
  row: Consumer,
  follower: Follower,
  { to, wipes }: Pick<Cohort, 'to' | 'wipes'>,
  { callsLive }: Protocol,
): Consumer {
  const own = callsLive !== 'its own registration' || row.registration === follower.registration;
  const known = row.is === 'live' || row.is === 'wiping';
  if (!own || (!known && callsLive !== 'whatever is there')) return row;
  return { ...row, is: wipes ? 'live' : row.is, settledTo: Math.max(row.settledTo, to) };
}

export function isWiping({ wipes, cohorts }: Follower): boolean {
  return wipes || cohorts.some((cohort) => cohort.wipes);
}

export function rowOf(world: World, who: number, setup: Setup) {
  const consumer = consumerOf(who, setup);
  return {
    consumer,
    row: world.consumers[consumer] ?? consumerAtStart,
    follower: world.followers[who] ?? followerAtStart,
  };
}
