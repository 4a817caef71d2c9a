import { describe, expect, it, vi } from 'vitest';
import type { Cleared } from '../../src/core/contracts.ts';
import type { ClearRequest } from '../../src/filesystem/answer.ts';
import type { Hears, StartApart } from '../../src/filesystem/apart.ts';
import { openCache } from '../../src/filesystem/cache.ts';

it('does not take a late word of one that has ended for the death of its successor', async () => {
  const { cache, started } = withFakes();
  const lost = cache.clear(['a']);
  started[0]?.hears.ended(new Error('it died'));
  await expect(lost).rejects.toThrow('it died');
  const asked = cache.clear(['a']);
  started[0]?.hears.ended(new Error('it has ended, too'));
  started[0]?.hears.reply({ cleared: { files: 5, failures: [] } });
  started[1]?.hears.reply({ cleared: { files: 7, failures: [] } });
  expect((await asked).files).toBe(7);
  expect(started.length).toBe(2);
});

describe('two hands', () => {
  const many = (name: string, count: number) => Array.from({ length: count }, (_, nth) => `${name}${nth}`);

  it('share a large request, which tells together what each has told', async () => {
    const { cache, started } = withFakes();
    const asked = cache.clear(many('a', 600));
    expect(started.map(({ posted }) => posted.length)).toEqual([1, 1]);
    const failure = { pattern: 'a1', path: 'a1', code: 'EACCES', message: 'no' };
    answer(started[1], { files: 3, failures: [failure] });
    await settled();
    answer(started[0], { files: 4, failures: [] });
    answer(started[1], { files: 5, failures: [] });
    expect(await asked).toEqual({ files: 12, failures: [failure] });
    expect(started.flatMap(({ posted }) => posted.flatMap(({ patterns }) => patterns)).sort()).toEqual(
      many('a', 600).sort(),
    );
  });

  it('take requests in turn, so that a small one does not wait for the end of a large one', async () => {
    const { cache, started } = withFakes();
    cache.clear(many('a', 10_000)).catch(() => {});
    const small = cache.clear(['b']);
    for (const fake of started) {
      answer(fake, { files: 0, failures: [] });
      await settled();
    }
    expect(started[1]?.posted.at(-1)?.patterns).toEqual(['b']);
    answer(started[1], { files: 1, failures: [] });
    expect((await small).files).toBe(1);
  });

  it('let wait who is in no hurry, though not for ever', async () => {
    const { cache, started } = withFakes();
    const order: string[] = [];
    cache.clear(many('first ', 100_000)).catch(() => {});
    cache.clear(many('second ', 100_000), { unhurried: true }).catch(() => {});
    cache.clear(['event']).catch(() => {});
    for (let nth = 0; nth < 60; nth++) {
      const hand = started[nth % 2];
      order.push(hand?.posted.at(-1)?.patterns[0]?.replace(/ .*/, '') ?? '');
      answer(hand, { files: 0, failures: [] });
      await settled();
    }
    expect(order.indexOf('event')).toBeLessThan(order.indexOf('second'));
    const seconds = order.filter((one) => one === 'second').length;
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
    // What was asked for has failed: the rest of it is not cleared for nothing.
    expect(started[1]?.posted.length).toBe(1);
    expect(made).toBeLessThan(1_000);
  });

  it('are watched both: the part that waits longest counts', async () => {
    const { cache, started } = withFakes();
    cache.clear(many('a', 600)).catch(() => {});
    await vi.waitFor(() => expect(cache.waitingMs()).toBeGreaterThan(20));
    answer(started[0], { files: 0, failures: [] });
    expect(cache.waitingMs()).toBeGreaterThan(20);
    answer(started[1], { files: 0, failures: [] });
    expect(cache.waitingMs()).toBeLessThan(20);
  });
});

interface Fake {
  readonly hears: Hears;
  readonly posted: ClearRequest[];
}

/** A cache whose hands answer when they are told to, in the order in which they were started. */
function withFakes() {
  const started: Fake[] = [];
  const start: StartApart = (_root, hears) => {
    const posted: ClearRequest[] = [];
    started.push({ hears, posted });
    return { post: (request) => posted.push(request), end: async () => {} };
  };
  return { cache: openCache('/', start), started };
}

function answer(fake: Fake | undefined, cleared: Cleared): void {
  fake?.hears.reply({ cleared });
}

/** Lets everything go on that can. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
