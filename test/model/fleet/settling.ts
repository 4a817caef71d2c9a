import type { Step } from '../explore.ts';
import type { Cohort } from './cohort.ts';
import { failed } from './failing.ts';
import { consumerOf, followerAtStart, followerBecomes } from './follower.ts';
import { committed, concerns, newest } from './log.ts';
import { advanced } from './membership.ts';
import type { Setup } from './plan.ts';
import type { World } from './world.ts';
import { cleared, unfencedRenders } from './writer.ts';

/** The end of the first cohort: cohorts settle in the order of their ids. */
export function* settlingSteps(world: World, who: number, setup: Setup): Generator<Step<World>> {
  const follower = world.followers[who] ?? followerAtStart;
  const [cohort, ...rest] = follower.cohorts;
  if (!cohort || cohort.renders.length > 0) return;
  const consumer = consumerOf(who, setup);
  const { outer, range, advances, secondClearing } = setup.protocol;
  const becomes = followerBecomes(world, who, setup);
  const verb = cohort.wipes ? 'wipes' : 'clears';
  switch (cohort.stage) {
    case 'grace':
    case 'prepared':
      return;
    case 'settling': {
      if (!innerHasSettled(world, consumer, cohort.to, setup)) return;
      const renders = outer === 'the inner cache' ? [] : unfencedRenders(world, consumer, setup);
      const ripe: Cohort = { ...cohort, stage: 'ripe', renders };
      yield becomes('sees that the inner cache has settled', { cohorts: [ripe, ...rest] });
      return;
    }
    case 'ripe': {
      const to = range === 'to the newest id' ? newest(world.log) : cohort.to;
      const now: Cohort = { ...cohort, to, stage: 'cleared' };
      if (advances === 'before the second clearing')
        yield becomes(`settled_to ${to}`, { cohorts: [now, ...rest] }, advance(world, who, now, setup));
      else if (secondClearing)
        yield becomes(`${verb} again`, { cohorts: [now, ...rest] }, clearedAgain(world, who, now, setup));
      else yield becomes('does not clear again', { cohorts: [now, ...rest] });
      if (world.failuresLeft.includes(consumer) && !now.wipes && hasToClear(world, who, cohort, setup))
        yield becomes(
          `fails to clear, and copies row ${to}`,
          { cohorts: [now, ...rest] },
          failed(world, consumer, to),
        );
      return;
    }
    case 'cleared':
      if (advances === 'before the second clearing')
        yield becomes(`${verb} again`, { cohorts: rest }, clearedAgain(world, who, cohort, setup));
      else
        yield becomes(
          `${cohort.wipes ? 'calls itself live, ' : ''}settled_to ${cohort.to}`,
          { cohorts: rest },
          advance(world, who, cohort, setup),
        );
      return;
    default:
      cohort.stage satisfies never;
  }
}

/** An inner cache that has expired holds up nobody: when it returns, the outer one will be wiped. */
function innerHasSettled(world: World, consumer: number, to: number, setup: Setup): boolean {
  const inner = world.consumers[setup.consumers[consumer]?.behind ?? -1];
  if (!inner || inner.is === 'expired' || inner.is === 'unknown') return true;
  return inner.settledTo >= to && (inner.is === 'live' || setup.protocol.wiping === 'is settled');
}

function clearedAgain(world: World, who: number, cohort: Cohort, setup: Setup): Partial<World> {
  return hasToClear(world, who, cohort, setup) ? cleared(world, consumerOf(who, setup), setup) : {};
}

function hasToClear({ log }: World, who: number, cohort: Cohort, setup: Setup): boolean {
  const { from, to, wipes, found } = cohort;
  if (setup.protocol.range === 'what was read') return wipes || found;
  const range = committed(log).filter(({ id }) => id > from && id <= to);
  return wipes || range.some((row) => concerns(consumerOf(who, setup), row, setup));
}

function advance(world: World, who: number, { to, wipes }: Cohort, setup: Setup): Partial<World> {
  const consumer = consumerOf(who, setup);
  const follower = world.followers[who] ?? followerAtStart;
  const consumers = world.consumers.map((row, index) =>
    index === consumer ? advanced(row, follower, { to, wipes }, setup.protocol) : row,
  );
  return { consumers };
}
