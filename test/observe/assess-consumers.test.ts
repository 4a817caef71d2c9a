import { expect, it } from 'vitest';
import type { SeenConsumer } from '../../src/core/consumer-contract.ts';
import { downSince, throttledUntil } from '../../src/core/consumer-problem.ts';
import { usualThresholds } from '../../src/core/daemon-status.ts';
import { assessConsumers, assessOthers, lastingOthers } from '../../src/observe/assess-consumers.ts';

const well: SeenConsumer = {
  id: '7c1d5e09ab34f682',
  kind: 'files',
  name: 'files',
  node: 'web2',
  place: '/cache',
  state: 'live',
  behind: 0,
  unsettled: 0,
  lagMs: null,
  failing: 0,
  seenMs: 60_000,
  owner: 'a',
  connected: true,
  problem: null,
  version: '1',
};
const other: SeenConsumer = { ...well, id: '31e8f2a90c5b7d46', node: 'web1' };

function verdict(found: readonly SeenConsumer[], isTold = (_: SeenConsumer) => false): string[] {
  return assessConsumers(found, usualThresholds, isTold).map(({ level, kind, text }) => {
    expect(kind).toBe('consumer');
    return `${level}: ${text}`;
  });
}

it.each<[Partial<SeenConsumer>, string[]]>([
  [{}, []],
  [
    { seenMs: 130_000 },
    [
      'critical: files on web2 (/cache) is cleared by no daemon since 2 min: start it there; if it is gone for good: uncached consumers forget 7c1d5e09ab34f682',
    ],
  ],
  // A missing session is noticed at once. A daemon that restarts has none for a moment.
  [
    { connected: false, seenMs: 59_999 },
    [
      'warning: files on web2 (/cache) is cleared by no daemon since 60 s: start it there; if it is gone for good: uncached consumers forget 7c1d5e09ab34f682',
    ],
  ],
  [
    { connected: false, owner: null, seenMs: 60_000 },
    [
      'critical: files on web2 (/cache) is cleared by no daemon since 60 s: start it there; if it is gone for good: uncached consumers forget 7c1d5e09ab34f682',
    ],
  ],
  [
    { state: 'expired', seenMs: 7_200_000, owner: null },
    [
      'warning: files on web2 (/cache) was away for too long and has expired: it is wiped when it returns; if it never will: uncached consumers forget 7c1d5e09ab34f682',
    ],
  ],
  [
    { id: '7c1d5e09ab34f682 command news', kind: 'command', name: 'news', place: '', seenMs: 61_000 },
    [
      "critical: command news on web2 is cleared by no daemon since 61 s: start it there; if it is gone for good: uncached consumers forget '7c1d5e09ab34f682 command news'",
    ],
  ],
  [
    { problem: '/cache is not mounted' },
    ['critical: files on web2 (/cache) is not cleared: /cache is not mounted'],
  ],
  // The cause is reported, not its consequence.
  [
    { problem: 'no', state: 'wiping', behind: 1, lagMs: 90_000 },
    ['critical: files on web2 (/cache) is not cleared: no'],
  ],
  [
    { state: 'wiping' },
    ['warning: files on web2 (/cache) is being wiped: what is cached there may be stale until that is done'],
  ],
  [{ behind: 1, lagMs: 2_999 }, []],
  [{ behind: 1, lagMs: 3_000 }, ['warning: files on web2 (/cache) lags behind, by 3 s']],
  [{ behind: 1, lagMs: 60_000 }, ['critical: files on web2 (/cache) lags behind, by 60 s']],
])('judges %o among others', (found, expected) => {
  expect(verdict([other, { ...well, ...found }])).toEqual(expected);
});

it('leaves the lag of the only cache to the handlers', () => {
  expect(verdict([{ ...well, behind: 1, lagMs: 90_000 }])).toEqual([]);
});

const behind = { ...well, id: `${well.id} command news`, kind: 'command', name: 'news', place: '' };

it('says of page files and what stands behind them once that they are gone, and of each what else is wrong', () => {
  const lag = { behind: 1, lagMs: 3_000 };
  for (const gone of [{ connected: false }, { state: 'expired' as const }, { problem: 'no' }])
    expect(
      verdict([
        { ...well, ...gone },
        { ...behind, ...gone },
      ]),
    ).toEqual([expect.stringMatching(/: files on web2 /)]);
  expect(verdict([well, { ...behind, ...lag }])).toEqual([
    'warning: command news on web2 lags behind, by 3 s',
  ]);
  expect(verdict([well, { ...behind, problem: 'down' }])).toEqual([
    'warning: command news on web2 is not cleared: down',
  ]);
});

it('lets a daemon tell of the caches of others as warnings, and of its own only that one is being wiped', () => {
  const others = { ...other, owner: 'b' };
  const gone = { problem: 'no' };
  expect(assessOthers([{ ...well, ...gone }, others], usualThresholds, 'a')).toEqual([]);
  expect(
    assessOthers(
      [
        { ...well, state: 'wiping' },
        { ...others, ...gone },
      ],
      usualThresholds,
      'a',
    ),
  ).toEqual([
    {
      level: 'warning',
      kind: 'consumer',
      consumer: well.id,
      text: expect.stringMatching(/^files on web2 \(\/cache\) is being wiped/),
    },
    {
      level: 'warning',
      kind: 'consumer',
      consumer: other.id,
      text: 'files on web1 (/cache) is not cleared: no',
    },
  ]);
});

it('lets its log tell of others what lasts', () => {
  const told = (found: Partial<SeenConsumer>) =>
    lastingOthers([well, { ...other, owner: 'b', ...found }], usualThresholds, 'a').map(
      ({ level, text }) => `${level}: ${text}`,
    );
  expect(told({ connected: false, seenMs: 59_999 })).toEqual([]);
  expect(told({ state: 'wiping' })).toEqual([]);
  expect(told({ behind: 1, lagMs: 3_000 })).toEqual([]);
  expect(told({ behind: 1, lagMs: 60_000 })).toEqual([
    'warning: files on web1 (/cache) lags behind, by 60 s',
  ]);
  expect(told({ connected: false, seenMs: 60_000 })).toEqual([
    expect.stringMatching(/^warning: files on web1 \(\/cache\) is cleared by no daemon/),
  ]);
  expect(told({ state: 'expired' })).toEqual([
    expect.stringMatching(/^warning: files on web1 \(\/cache\) was away for too long/),
  ]);
});

it('leaves out what is told in another way, and that alone', () => {
  const both = [
    { ...well, seenMs: 90_000 },
    { ...other, seenMs: 90_000 },
  ];
  expect(verdict(both, ({ node }) => node === 'web1')).toEqual([
    expect.stringMatching(/^critical: files on web2/),
  ]);
});

const target: SeenConsumer = {
  ...well,
  id: `${well.id} purge varnish`,
  kind: 'purge',
  name: 'varnish',
  place: 'http://v',
  behind: 3,
};
const downText = downSince(Date.UTC(2026, 10, 21), 'does not answer');
const throttledText = throttledUntil(Date.UTC(2026, 10, 21), 'answers 429');

it.each<[Partial<SeenConsumer>, string[]]>([
  [{}, []],
  [
    { problem: downText, lagMs: 59_999 },
    [
      'warning: purge varnish on web2 (http://v) is not cleared: down since 2026-11-21T00:00:00Z: does not answer',
    ],
  ],
  [
    { problem: downText, lagMs: 60_000 },
    [
      'critical: purge varnish on web2 (http://v) is not cleared: down since 2026-11-21T00:00:00Z: does not answer',
    ],
  ],
  // To be asked to wait is no failure; what waits for it may be one.
  [{ problem: throttledText, lagMs: 2_999 }, []],
  [
    { problem: throttledText, lagMs: 3_000 },
    [
      'warning: purge varnish on web2 (http://v) lags behind, by 3 s: throttled until 2026-11-21T00:00:00Z: answers 429',
    ],
  ],
  [
    { problem: throttledText, lagMs: 60_000 },
    [
      'critical: purge varnish on web2 (http://v) lags behind, by 60 s: throttled until 2026-11-21T00:00:00Z: answers 429',
    ],
  ],
])('a target %j: %s', (fields, expected) => {
  expect(verdict([well, { ...target, ...fields }])).toEqual(expected);
});
