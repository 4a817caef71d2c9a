import type { Step } from '../explore.ts';
import { followerAtStart } from './follower.ts';
import type { Setup } from './plan.ts';
import type { World } from './world.ts';

/**
 * A node's daemon dies at any point. The backends that execute its claims may not notice: each may commit long
 * after others have read the log.
 */
export function* crashSteps(world: World, setup: Setup): Generator<Step<World>> {
  for (const node of new Set(world.crashesLeft)) {
    const isOf = (who: number) => setup.followers[who]?.node === node;
    if (world.followers.every(({ is }, who) => !isOf(who) || is === 'down')) continue;
    const followers = world.followers.map((follower, who) => (isOf(who) ? followerAtStart : follower));
    const claims = world.claims.map((claim, who) =>
      setup.claims[who]?.node === node && claim.is !== 'idle' ? { ...claim, orphan: true } : claim,
    );
    const crashesLeft = world.crashesLeft.toSpliced(world.crashesLeft.indexOf(node), 1);
    yield { label: `node ${node + 1}: CRASHES`, state: { ...world, followers, claims, crashesLeft } };
  }
}
