import { beforeEach, expect, it } from 'vitest';
import { parseRate, RequestRate } from '../../../src/caches/purge/request-rate.ts';

let now: number;
beforeEach(() => {
  now = 0;
});

/** Time passes only where somebody waits. */
const clock = {
  now: () => now,
  async wait(ms: number, signal: AbortSignal) {
    signal.throwIfAborted();
    now += ms;
  },
};
const { signal } = new AbortController();

async function turns(rate: RequestRate, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let turn = 0; turn < count; turn++) {
    await rate.turn(signal);
    times.push(now);
  }
  return times;
}

it.each([
  ['5/s', { intervalMs: 200, burst: 1 }],
  ['5/m', { intervalMs: 12_000, burst: 1 }],
  ['5 / m burst 25', { intervalMs: 12_000, burst: 25 }],
])('reads the rate %s', (text, rate) => {
  expect(parseRate(text)).toEqual(rate);
});

it.each(['5', '5/h', '0/s', '-1/s', '5/s burst 0', '5/s burst', 'all'])('refuses the rate %s', (text) => {
  expect(() => parseRate(text)).toThrow('must be requests by the second or minute');
});

it('without a rate nobody waits', async () => {
  expect(await turns(new RequestRate(undefined, clock), 3)).toEqual([0, 0, 0]);
});

it('with a rate each waits for the one before', async () => {
  expect(await turns(new RequestRate(parseRate('5/s'), clock), 4)).toEqual([0, 200, 400, 600]);
});

it('after a pause as many may be sent at once as the burst says, and no more', async () => {
  const rate = new RequestRate(parseRate('5/m burst 3'), clock);
  expect(await turns(rate, 5)).toEqual([0, 0, 0, 12_000, 24_000]);
  now = 48_000;
  expect(await turns(rate, 3)).toEqual([48_000, 48_000, 60_000]);
  now = 10_000_000;
  expect(await turns(rate, 4)).toEqual([10_000_000, 10_000_000, 10_000_000, 10_012_000]);
});

it('a rest that is asked for while somebody waits is waited for as well', async () => {
  const wait = clock.wait;
  const rate = new RequestRate(parseRate('1/s'), {
    now: clock.now,
    async wait(ms) {
      if (now === 0) rate.rest(3_000);
      await wait(ms, signal);
    },
  });
  expect(await turns(rate, 2)).toEqual([0, 3_000]);
});

it('rests for as long as is asked for, and a shorter rest does not cut a longer one', async () => {
  const rate = new RequestRate(undefined, clock);
  rate.rest(3_000);
  rate.rest(1_000);
  expect(await turns(rate, 1)).toEqual([3_000]);
});

it('rests for longer each time where nobody says how long, until a request is taken', async () => {
  const rate = new RequestRate(undefined, clock);
  const rests: number[] = [];
  for (let turn = 0; turn < 9; turn++) {
    const before = now;
    rate.rest(undefined);
    // Requests that were under way together.
    rate.rest(undefined);
    await rate.turn(signal);
    rests.push(now - before);
  }
  expect(rests).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000));
  rate.goOn();
  rate.rest(undefined);
  const before = now;
  await rate.turn(signal);
  expect(now - before).toBe(1_000);
});
