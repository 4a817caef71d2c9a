import { afterEach, describe, expect, it, vi } from 'vitest';
import type { DeletionResult } from '../../src/core/page-files.ts';
import type { Request } from '../../src/filesystem/workers/worker-request.ts';
import { answer, posts, settled, standStill, withFakes } from './fake-workers.ts';

afterEach(() => {
  vi.useRealTimers();
});

it('does not take a late word of one that has ended for the death of its successor', async () => {
  const { cache, started } = withFakes();
  const lost = cache.clear(['a']);
  started[0]?.hears.ended(new Error('it died'));
  await expect(lost).rejects.toThrow('it died');
  const asked = cache.clear(['a']);
  started[0]?.hears.ended(new Error('it has ended, too'));
  answer(started[0], { files: 5, failures: [] });
  answer(started[1], { files: 7, failures: [] });
  expect((await asked).files).toBe(7);
  expect(started.length).toBe(2);
});

const patternsOf = (request: Request | undefined) => (request?.kind === 'clear' ? request.patterns : []);

describe('two hands', () => {
  const many = (name: string, count: number) => Array.from({ length: count }, (_, nth) => `${name}${nth}`);

  it('share a large request, and its result combines theirs', async () => {
    const { cache, started } = withFakes();
    const asked = cache.clear(many('a', 600));
    expect(started.map(({ posted }) => posted.length)).toEqual([1, 1]);
    const failure = { pattern: 'a1', path: 'a1', code: 'EACCES', message: 'no' };
    answer(started[1], { files: 3, failures: [failure] });
    await settled();
    answer(started[0], { files: 4, failures: [] });
    answer(started[1], { files: 5, failures: [] });
    expect(await asked).toEqual({ files: 12, failures: [failure] });
    expect(started.flatMap(({ posted }) => posted.flatMap(patternsOf)).sort()).toEqual(many('a', 600).sort());
  });

  it('take requests in turn, so that a small one does not wait for the end of a large one', async () => {
    const { cache, started } = withFakes();
    cache.clear(many('a', 10_000)).catch(() => {});
    const small = cache.clear(['b']);
    for (const fake of started) {
      answer(fake, { files: 0, failures: [] });
      await settled();
    }
    expect(patternsOf(started[1]?.posted.at(-1))).toEqual(['b']);
    answer(started[1], { files: 1, failures: [] });
    expect((await small).files).toBe(1);
  });

  it('let wait who is in no hurry, though not for ever', async () => {
    const { cache, started } = withFakes();
    const order: string[] = [];
    cache.clear(many('first ', 100_000)).catch(() => {});
    cache.clear(many('second ', 100_000), { background: true }).catch(() => {});
    cache.clear(['event']).catch(() => {});
    for (let nth = 0; nth < 60; nth++) {
      const hand = started[nth % 2];
      order.push(patternsOf(hand?.posted.at(-1))[0]?.replace(/ .*/, '') ?? '');
      answer(hand, { files: 0, failures: [] });
      await settled();
    }
    expect(order.indexOf('event')).toBeLessThan(order.indexOf('second'));
    const seconds = order.filter((name) => name === 'second').length;
    expect(seconds).toBeGreaterThanOrEqual(10);
    expect(seconds).toBeLessThanOrEqual(20);
  });

  it('take the patterns of a large request only as they can be cleared', async () => {
    const { cache, started } = withFakes();
    let made = 0;
    function* patterns() {
      for (; made < 10_000; made++) yield `a${made}`;
    }
    const asked = cache.clear(patterns());
    expect(made).toBeLessThan(1_000);
    started[0]?.hears.ended(new Error('it died'));
    await expect(asked).rejects.toThrow('it died');
    answer(started[1], { files: 0, failures: [] });
    await settled();
    // The request has failed, so clearing the rest of it would be pointless.
    expect(started[1]?.posted.length).toBe(1);
    expect(made).toBeLessThan(1_000);
  });

  it('are watched both: the part that waits longest counts', async () => {
    standStill();
    const { cache, started } = withFakes();
    cache.clear(many('a', 600)).catch(() => {});
    await vi.advanceTimersByTimeAsync(20);
    answer(started[0], { files: 0, failures: [] });
    expect(cache.waitingMs()).toBe(20);
    answer(started[1], { files: 0, failures: [] });
    expect(cache.waitingMs()).toBe(0);
  });
});

describe('a worker that says nothing', () => {
  it('is given up, and a third one finds out where it happens; all else is cleared', async () => {
    const { cache, started } = withFakes({ patienceMs: 50 });
    const asked = cache.clear(['a/*', 'b/*']);
    await posts(started, 0, 1);
    await posts(started, 1, 1);
    expect(started[1]?.posted[0]).toMatchObject({ patterns: ['a/*', 'b/*'], suspended: [], traced: true });
    started[1]?.hears.message({ at: 'a' });
    await posts(started, 2, 1);
    expect(started[2]?.posted[0]).toMatchObject({ patterns: ['a/*', 'b/*'], suspended: ['a'], traced: true });
    const failure = { pattern: 'a/*', path: 'a', code: 'ETIMEDOUT', message: 'no' };
    answer(started[2], { files: 1, failures: [failure] });
    expect(await asked).toEqual({ files: 1, failures: [failure] });
    expect(started.map(({ ends }) => ends)).toEqual([1, 1, 0]);
    cache.clear(['a/*']).catch(() => {});
    await posts(started, 3, 1);
    expect(started[3]?.posted[0]?.suspended).toEqual(['a']);
    await cache.close();
  });

  it('is not given up while it says that it gets on', async () => {
    standStill();
    const { cache, started } = withFakes({ patienceMs: 500 });
    const asked = cache.clear(['a/*']);
    for (let said = 0; said < 10; said++) {
      await vi.advanceTimersByTimeAsync(490);
      started[0]?.hears.message({ at: 'a' });
    }
    answer(started[0], { files: 1, failures: [] });
    expect((await asked).files).toBe(1);
    expect(started.length).toBe(1);
  });

  it('may take longer to start, on a busy machine', async () => {
    standStill();
    const { cache, started } = withFakes({ patienceMs: 300 }, { isSlow: true });
    const asked = cache.clear(['a/*']);
    await vi.advanceTimersByTimeAsync(20_000);
    started[0]?.hears.message({ up: true });
    await vi.advanceTimersByTimeAsync(290);
    expect(started.length).toBe(1);
    answer(started[0], { files: 1, failures: [] });
    expect((await asked).files).toBe(1);
    cache.clear(['a/*']).catch(() => {});
    // Once started, it is like any other worker.
    await vi.advanceTimersByTimeAsync(600);
    expect(started.length).toBe(2);
    await cache.close();
  });

  it('may list a directory for longer', async () => {
    standStill();
    const { cache, started } = withFakes({ patienceMs: 300 });
    cache.clear(['a/*']).catch(() => {});
    await vi.advanceTimersByTimeAsync(700);
    expect(started.map(({ posted }) => posted.length)).toEqual([1, 1]);
    started[1]?.hears.message({ at: 'a', isListing: true });
    await vi.advanceTimersByTimeAsync(1_700);
    expect(started.length).toBe(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(started.map(({ posted }) => posted.length)).toEqual([1, 1, 1]);
    await cache.close();
  });

  it('fails all that is asked of it, where it does not even say where it is', async () => {
    const { cache } = withFakes({ patienceMs: 20 });
    const { failures } = await cache.clear(['a/*', 'b/*']);
    expect(failures.map(({ pattern, path, whole, code }) => [pattern, path, whole, code])).toEqual([
      ['a/*', 'a/*', true, 'ETIMEDOUT'],
      ['b/*', 'b/*', true, 'ETIMEDOUT'],
    ]);
    await cache.close();
  });

  it('does not keep others waiting: another takes its place', async () => {
    const { cache, started } = withFakes();
    for (const pattern of ['a', 'b', 'c']) cache.clear([pattern]).catch(() => {});
    await posts(started, 2, 1);
    expect(started.map(({ posted }) => posted.flatMap(({ patterns }) => patterns))).toEqual([
      ['a'],
      ['b'],
      ['c'],
    ]);
    // It was only slow: its answer counts, and it is no longer needed.
    answer(started[0], { files: 0, failures: [] });
    await vi.waitFor(() => expect(started[0]?.ends).toBe(1));
    await cache.close();
  });
});

it('a worker that is long at one request does not keep others waiting either', async () => {
  const { cache, started } = withFakes();
  for (const pattern of ['a', 'b', 'c']) cache.clear([pattern]).catch(() => {});
  const gettingOn = setInterval(() => {
    for (const { hears } of started.slice(0, 2)) hears.message({ at: 'a' });
  }, 20);
  await posts(started, 2, 1);
  clearInterval(gettingOn);
  expect(started[2]?.posted[0]?.patterns).toEqual(['c']);
  await cache.close();
});

it('a request is cut into parts between pages and not within them', async () => {
  const { cache, started } = withFakes();
  const pages = Array.from({ length: 200 }, (_, nth) =>
    ['head', 'body', 'foot'].map((part) => `${nth}.${part}`),
  );
  cache.clear(pages).catch(() => {});
  expect(started.flatMap(({ posted }) => posted.map(({ patterns }) => patterns))).toEqual([
    pages.slice(0, 84).flat(),
    pages.slice(84, 168).flat(),
  ]);
  await cache.close();
});

it('a request that is nearly all listing goes on in larger parts', async () => {
  const { cache, started } = withFakes();
  const patterns = Array.from({ length: 2_000 }, (_, nth) => `flat/${nth}.*`);
  let done = false;
  const asked = cache.clear(patterns).then(() => {
    done = true;
  });
  while (!done) {
    for (const fake of started) answer(fake, { files: 0, failures: [], listed: 400_000 } as DeletionResult);
    await settled();
  }
  await asked;
  const sizes = started.flatMap(({ posted }) => posted.map((request) => request.patterns.length));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(2_000);
  expect(sizes.length).toBeLessThan(6);
});
