import { beforeEach, expect, it } from 'vitest';
import { ClaimPrefetch, type TimedClaim } from '../../src/clearing/prefetch.ts';
import type { LogRow } from '../../src/core/contracts.ts';

/** Clearings that end when the test says so. Each is named by the ids of its rows. */
let clearings: { ids: string; end: () => void; fail: (error: Error) => void }[];
/** Rows that are expected, and neither cleared nor given up. */
let underWay: Set<readonly LogRow[]>;
let stop: AbortController;
let prefetch: ClaimPrefetch;

beforeEach(() => {
  clearings = [];
  underWay = new Set();
  stop = new AbortController();
  prefetch = new ClaimPrefetch({
    clear: (claims) =>
      new Promise((end, fail) => {
        clearings.push({ ids: String(claims.flatMap(({ rows }) => rows.map(({ id }) => id))), end, fail });
      }),
    consumers: {
      expect: (rows) => void underWay.add(rows),
      giveUp: (rows) => void underWay.delete(rows),
    },
    signal: stop.signal,
  });
});

const claim = (...ids: number[]): TimedClaim => ({
  entries: ids.length,
  rows: ids.map((id) => ({ id, handler: 'page', key: {} })),
  lagMs: null,
  started: 0,
  claimed: 0,
});
const idsUnderWay = () => [...underWay].flatMap((rows) => rows.map(({ id }) => id));
const soon = () => new Promise((resolve) => setImmediate(resolve));

it('clears together what was claimed while the clearing before it ran', async () => {
  for (const id of [1, 2, 3]) {
    await prefetch.add(claim(id));
    await soon();
  }
  expect(clearings.map(({ ids }) => ids)).toEqual(['1']);
  expect(prefetch.hasBuffered).toBe(true);
  // They wait, and need not be read from the log.
  expect(idsUnderWay()).toEqual([1, 2, 3]);
  clearings[0]?.end();
  await soon();
  expect(clearings.map(({ ids }) => ids)).toEqual(['1', '2,3']);
  expect(prefetch.hasBuffered).toBe(false);
  expect(idsUnderWay()).toEqual([2, 3]);
  let ended = false;
  const end = prefetch.end().then(() => {
    ended = true;
  });
  await soon();
  expect(ended).toBe(false);
  clearings[1]?.end();
  await end;
  expect(idsUnderWay()).toEqual([]);
});

it('clears nothing for a claim that found nothing', async () => {
  await prefetch.add(claim());
  await prefetch.end();
  expect(clearings).toEqual([]);
});

it('refuses the next claim once a clearing has failed, and leaves to the log what waits', async () => {
  await prefetch.add(claim(1));
  await soon();
  await prefetch.add(claim(2));
  clearings[0]?.fail(new Error('the worker died'));
  await soon();
  await expect(prefetch.add(claim(3))).rejects.toThrow('the worker died');
  await expect(prefetch.end()).rejects.toThrow('the worker died');
  expect(clearings).toHaveLength(1);
  expect(idsUnderWay()).toEqual([]);
});

it('leaves to the log what waits when it is stopped', async () => {
  await prefetch.add(claim(1));
  await soon();
  await prefetch.add(claim(2));
  stop.abort();
  clearings[0]?.end();
  await prefetch.end();
  expect(clearings).toHaveLength(1);
  expect(idsUnderWay()).toEqual([]);
});
