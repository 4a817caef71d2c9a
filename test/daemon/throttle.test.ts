import { beforeEach, expect, it } from 'vitest';
import { Throttle } from '../../src/daemon/throttle.ts';

let now: number;
let spacing: Throttle;
const never = new AbortController().signal;
beforeEach(() => {
  now = 0;
  const wait = async (ms: number) => {
    now += ms;
  };
  spacing = new Throttle({ now: () => now, wait }, { leastMs: 100, mostMs: 1_000 });
});

/** The times at which turns are taken, when one is requested every `everyMs` during this time. */
async function turns(everyMs: number, forMs: number): Promise<number[]> {
  const taken: number[] = [];
  const end = now + forMs;
  while (now < end) {
    await spacing.turn(never);
    taken.push(now);
    now += everyMs;
  }
  return taken;
}

it('gives the first turn at once, and those of a storm ever later, up to a limit', async () => {
  expect(await turns(1, 4_000)).toEqual([0, 100, 300, 700, 1_500, 2_500, 3_500, 4_500]);
});

it('never has one wait who asks less often', async () => {
  expect(await turns(150, 600)).toEqual([0, 150, 300, 450]);
});

it('forgets a storm that is over', async () => {
  await turns(1, 4_000);
  now += 1_000;
  expect(await turns(1, 100)).toEqual([5_501, 5_601]);
});

it('ends the wait when it is stopped', async () => {
  const stopped = AbortSignal.abort();
  const wait = () => Promise.reject(new Error('aborted'));
  const stopping = new Throttle({ now: () => 0, wait }, { leastMs: 100, mostMs: 1_000 });
  await stopping.turn(stopped);
  await stopping.turn(stopped);
});
