import { inject } from 'vitest';
import { World, type WorldOptions } from './world.ts';

/**
 * For tests that wait for time-outs: they run concurrently, each in a world of its own. The daemon is not
 * started.
 */
export async function inWorld(options: WorldOptions, live: (world: World) => Promise<void>): Promise<void> {
  const world = await World.open(inject('postgres'), options);
  try {
    await live(world);
  } finally {
    await world.close();
  }
}
