import { beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../../../src/caches/purge/answer.ts';
import { PurgeCache } from '../../../src/caches/purge/purge-cache.ts';
import { readTargets } from '../../../src/caches/purge/targets.ts';
import { purgeSettings } from './settings.ts';

let now: number;
beforeEach(() => {
  now = 0;
});

/** Time passes only where somebody waits. */
const clock = {
  now: () => now,
  async wait(ms: number) {
    now += ms;
  },
};

function open(settings: { connections?: number }, send: () => Promise<Partial<Answer>>): PurgeCache {
  const { targets } = readTargets({ settleMs: 0, purges: [purgeSettings(settings)] });
  const [target = expect.fail('no target')] = targets;
  const outside = { clock, tell: () => {}, run: async () => expect.fail('it runs a program') };
  return new PurgeCache(target, outside, async () => ({
    status: 200,
    reason: '',
    headers: {},
    body: '',
    ...(await send()),
  }));
}

it('is asked after 1, 2, 4 s where it asks to wait for no time', async () => {
  const times: number[] = [];
  const cache = open({}, async () =>
    times.push(now) <= 3 ? { status: 429, headers: { 'retry-after': '0' } } : {},
  );
  await cache.clear(['/1']);
  expect(times).toEqual([0, 1_000, 3_000, 7_000]);
});

describe('several rounds together', () => {
  const urls = Array.from({ length: 9 }, (_, nth) => `/${nth}`);

  it('send no more requests at once than there are connections', async () => {
    let underWay = 0;
    let most = 0;
    const cache = open({ connections: 2 }, async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise(setImmediate);
      underWay -= 1;
      return {};
    });
    await cache.clear(['/first']);
    await Promise.all([cache.clear(urls), cache.clear(urls), cache.clear(urls)]);
    expect(most).toBe(2);
  });

  it.each([
    ['asks to wait', { status: 429, headers: { 'retry-after': '3' } }, [0, 3_000, 3_000]],
    ['is down', { status: 405, headers: {} }, [0]],
  ])('send nothing that was ready when the target %s', async (_what, answer, expected) => {
    const times: number[] = [];
    const cache = open({ connections: 1 }, async () => {
      const nth = times.push(now);
      await new Promise(setImmediate);
      return nth === 1 ? answer : {};
    });
    await Promise.allSettled([cache.clear(['/1']), cache.clear(['/2'])]);
    expect(times).toEqual(expected);
  });
});
