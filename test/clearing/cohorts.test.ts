import { beforeEach, expect, it } from 'vitest';
import type { Settling } from '../../src/clearing/settling.ts';
import { lookAgainMs, SettlingWorld, settleMs } from './settling-world.ts';

/** The memory of settling while transactions stay open. */
let world: SettlingWorld;
let settling: Settling;
/** How often a list of transactions was searched. */
let walks: number;

beforeEach(() => {
  world = new SettlingWorld();
  settling = world.start();
  walks = 0;
});

function counted(list: readonly string[]): readonly string[] {
  return new Proxy(list, {
    get(target, name) {
      if (name === 'filter') walks += 1;
      return Reflect.get(target, name);
    },
  });
}

it('does as much for an event whether one cohort waits for a transaction or thousands do', async () => {
  world.open.virtual = counted(['3/1']);
  for (let id = 1; id <= 2_000; id++) {
    world.clear(id);
    await settling.step();
  }
  // Each snapshot except the first searches what one cohort waits for.
  expect(walks).toBe(1_999);
  expect(settling.held).toBe(2_000);
});

it('makes one of the cohorts that have come to wait for the same transactions', async () => {
  world.open.virtual = ['3/1', '4/1'];
  world.clear(1);
  await world.run();
  world.open.virtual = ['3/1', '5/1'];
  world.now += 1_000;
  world.clear(2);
  await world.run();
  world.open.virtual = ['3/1', '6/1'];
  world.now += lookAgainMs;
  await world.run();
  world.open.virtual = ['6/1'];
  world.now += lookAgainMs;
  await world.run();
  world.now += settleMs;
  expect(await world.run()).toBe(null);
  expect(world.cleared()).toEqual(['clear 2']);
});

it('keeps cohorts separate when they wait for different transactions', async () => {
  world.open.virtual = ['3/1'];
  world.clear(1);
  await world.run();
  world.open.virtual = ['3/1', '4/1'];
  world.clear(2);
  await world.run();
  world.open.virtual = ['4/1'];
  world.now += lookAgainMs;
  await world.run();
  world.now += settleMs;
  await world.run();
  expect(world.cleared()).toEqual(['clear 1']);
  expect(settling.pending).toBe(true);
  expect(settling.held).toBe(1);
});

it('counts the settle time of each from the end of its own grace', async () => {
  world.clear(1);
  await world.run();
  world.now += 4_000;
  world.clear(2);
  await world.run();
  world.now += settleMs - 4_000;
  await world.run();
  expect(world.cleared()).toEqual(['clear 1']);
  world.now += 3_999;
  await world.run();
  expect(world.cleared()).toEqual([]);
  world.now += 1;
  await world.run();
  expect(world.cleared()).toEqual(['clear 2']);
});

it('gives rows whose retry succeeds meanwhile a cohort of their own', async () => {
  world.clear(1);
  settling.cleared({ retried: settling.failingCohort });
  await world.run();
  const number = settling.failingCohort;
  expect(number).toBe(2);
  settling.cleared({ retried: number });
  await world.run();
  world.now += settleMs;
  expect(await world.run()).toBe(null);
  expect(world.cleared()).toEqual(['clear 1 retried 1', 'clear 1 retried 2']);
});

it('settles with the next cohort what got its number only when that cohort had been noted', async () => {
  const number = settling.failingCohort;
  settling.cleared({ retried: number });
  await world.run();
  settling.cleared({ retried: number });
  await world.run();
  world.now += settleMs;
  await world.run();
  expect(world.cleared()).toEqual(['clear 0 retried 1', 'clear 0 retried 1']);
});

it('keeps the numbers when a snapshot failed, and those that were given meanwhile', async () => {
  settling.cleared({ retried: settling.failingCohort });
  world.failsOnce = 'snapshot';
  const step = settling.step();
  settling.cleared({ retried: settling.failingCohort });
  await expect(step).rejects.toThrow('cut');
  await world.run();
  world.now += settleMs;
  await world.run();
  expect(world.cleared()).toEqual(['clear 0 retried 2 retried 1']);
});
