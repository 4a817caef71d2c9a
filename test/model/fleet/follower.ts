import type { Step } from '../explore.ts';
import type { Cohort } from './cohort.ts';
import { newest } from './log.ts';
import { consumerAtStart, noticed } from './membership.ts';
import type { Setup } from './plan.ts';
import { readSteps } from './reading.ts';
import { registrationSteps } from './registration.ts';
import type { World } from './world.ts';

/** What a daemon knows in memory of one consumer: how far it has read, and the cohorts that settle. */
export interface Follower {
  readonly is: 'down' | 'joining' | 'wiped' | 'up';
  /** The last id read. */
  readonly seen: number;
  /** The last id that some cohort has. */
  readonly begun: number;
  /** The registration under which it works. */
  readonly registration: number;
  /** It has to wipe, and no cohort has that yet. */
  readonly wipes: boolean;
  /** For a mutation: the rows read since the last snapshot must be cleared. */
  readonly found: boolean;
  /** Its first clearing, or first wipe, is still to come. */
  readonly pending: boolean;
  readonly woken: boolean;
  /** For a mutation: it has read its state, and reads the log next. */
  readonly looked: boolean;
  readonly cohorts: readonly Cohort[];
}

export const followerAtStart: Follower = {
  is: 'down',
  seen: 0,
  begun: 0,
  registration: 0,
  wipes: false,
  found: false,
  pending: false,
  woken: true,
  looked: false,
  cohorts: [],
};

export function* followerSteps(world: World, who: number, setup: Setup): Generator<Step<World>> {
  const follower = world.followers[who] ?? followerAtStart;
  const becomes = followerBecomes(world, who, setup);
  const consumer = consumerOf(who, setup);
  switch (follower.is) {
    case 'down': {
      const { is, settledTo, registration } = world.consumers[consumer] ?? consumerAtStart;
      const seen =
        setup.protocol.afterOutage === 'begins at its cursor'
          ? Math.max(follower.seen, settledTo)
          : settledTo;
      if (is === 'live')
        yield becomes(`begins at ${seen}`, { is: 'up', seen, begun: settledTo, registration });
      else yield becomes('finds that it has to join', { is: 'joining' });
      return;
    }
    case 'joining':
    case 'wiped':
      yield* registrationSteps(world, who, setup);
      return;
    case 'up':
      yield* readSteps(world, who, setup);
      return;
    default:
      follower.is satisfies never;
  }
}

export function hasWork(world: World, who: number, setup: Setup): boolean {
  const follower = world.followers[who] ?? followerAtStart;
  const { is, seen, begun, wipes, pending, woken, cohorts } = follower;
  const looks = setup.protocol.reads !== 'state at the start only';
  return (
    is !== 'up' ||
    wipes ||
    pending ||
    cohorts.length > 0 ||
    seen > begun ||
    (woken && seen < newest(world.log)) ||
    (looks && noticed(world, who, setup) !== undefined) ||
    world.failing.some(({ of }) => of === consumerOf(who, setup))
  );
}

export function consumerOf(who: number, { followers }: Setup): number {
  return followers[who]?.consumer ?? 0;
}

export function followerBecomes(world: World, who: number, setup: Setup) {
  const { node, consumer } = setup.followers[who] ?? { node: 0, consumer: 0 };
  const { name = '' } = setup.consumers[consumer] ?? {};
  const several = setup.followers.filter((it) => it.consumer === consumer).length > 1;
  const label = several ? `${name}, by node ${node + 1}` : name;
  return (what: string, change: Partial<Follower>, rest: Partial<World> = {}): Step<World> => {
    const follower = { ...(world.followers[who] ?? followerAtStart), ...change };
    return {
      label: `${label}: ${what}`,
      state: { ...world, ...rest, followers: world.followers.with(who, follower) },
    };
  };
}
