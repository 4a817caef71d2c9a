import type { Step } from '../explore.ts';
import { consumerOf, followerBecomes } from './follower.ts';
import { appended, mayAppend } from './log.ts';
import type { Setup } from './plan.ts';
import type { World } from './world.ts';
import { cleared } from './writer.ts';

/** A row that could not be cleared at its consumer. The copy is committed before settled_to goes on. */
export interface FailingRow {
  readonly of: number;
  readonly id: number;
}

export function failed({ failing, failuresLeft }: World, of: number, id: number): Partial<World> {
  return {
    failing: [...failing, { of, id }],
    failuresLeft: failuresLeft.toSpliced(failuresLeft.indexOf(of), 1),
  };
}

/** As a new row of the log it is cleared twice, there and at each cache in front. */
export function* retrySteps(world: World, who: number, setup: Setup): Generator<Step<World>> {
  const consumer = consumerOf(who, setup);
  const row = world.failing.find(({ of }) => of === consumer);
  if (world.followers[who]?.is !== 'up' || !row) return;
  const becomes = followerBecomes(world, who, setup);
  const rest = { ...cleared(world, consumer, setup), failing: world.failing.filter((it) => it !== row) };
  if (setup.protocol.retries === 'settle for themselves') {
    yield becomes(`clears row ${row.id}, which settles`, {}, rest);
  } else if (mayAppend(world, setup.protocol)) {
    const next = appended(world, 'the key', consumer);
    yield becomes(`clears row ${row.id}, and appends it as row ${next.lastId}`, {}, { ...rest, ...next });
  }
}
