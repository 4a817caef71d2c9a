import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type Random, random } from '../random.ts';
import { DaemonWorld } from './daemon-world.ts';

/*
 * With fakes for all surroundings, a start costs a millisecond. test/cli/start-stop.test.ts does the same less
 * often, with real connections, files and pages.
 */

const daemons = 10;
const startsOfEach = 50;

/** In turns of the event loop: by then each event of a start has happened, the first clearing too. */
const longestLife = 60;

async function turns(count: number): Promise<void> {
  for (let nth = 0; nth < count; nth++) await turn();
}

/** Stops a daemon at a random moment of its start or its work, and more than once. */
async function live(chance: Random): Promise<void> {
  const world = new DaemonWorld();
  world.onListen = async () => {
    await turns(chance.below(10));
    world.happened.push('listen');
  };
  world.entries = chance.list(3, () => `p${chance.below(9)}`);
  const daemon = world.start();
  for (let left = chance.below(longestLife); left > 0; left--) {
    if (chance.chance(0.05)) world.notify('changed');
    if (chance.chance(0.05)) world.notify('news_changed');
    if (chance.chance(0.02)) world.lose(new Error('cut'));
    await turn();
  }
  const stops = Array.from({ length: 1 + chance.below(3) }, () => chance.chance(0.5));
  await Promise.all(
    stops.map(async (leaving) => {
      await turns(chance.below(3));
      await daemon.stop({ leaving });
    }),
  );
  expectNothingLeft(world);
  const leaves = stops.includes(true) ? 1 : 0;
  for (const once of ['release', 'leave root'])
    expect(world.happened.filter((what) => what === once)).toHaveLength(leaves);
  await expectStopped(world);
  await daemon.stop({ leaving: false });
  expectNothingLeft(world);
}

function expectNothingLeft({ waiting, listeners }: DaemonWorld): void {
  expect({ waiting, listeners }).toEqual({ waiting: 0, listeners: 0 });
}

/** It does nothing any more, whatever comes, and nothing was still under way. */
async function expectStopped(world: DaemonWorld): Promise<void> {
  const until = world.happened.length;
  world.notify('changed');
  world.rootWakeup.wake();
  world.consumers.wake();
  await turns(10);
  expect(world.happened.slice(until)).toEqual([]);
}

it('ends whatever it has begun, whenever it is stopped', async () => {
  const chance = random();
  await Promise.all(
    Array.from({ length: daemons }, async () => {
      for (let nth = 0; nth < startsOfEach; nth++) await live(chance);
    }),
  );
});
