import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Clock } from '../../src/core/contracts.ts';
import { usualTimings } from '../../src/core/timings.ts';
import { type Monitor, openMonitor } from '../../src/observe/monitor.ts';
import { keepReporting } from '../../src/observe/report-loop.ts';

let now: number;
let waits: { until: number; over: () => void }[];
const clock: Clock = {
  now: () => now,
  wait: (ms, signal) =>
    new Promise((over, reject) => {
      const wait = { until: now + ms, over };
      waits.push(wait);
      signal.addEventListener('abort', () => {
        waits = waits.filter((one) => one !== wait);
        reject(signal.reason);
      });
    }),
};

/** Lets the time pass and runs everything that is due. */
async function pass(ms: number): Promise<void> {
  for (const until = now + ms; ; ) {
    await turn();
    const next = waits.toSorted((one, other) => one.until - other.until)[0];
    if (!next || next.until > until) {
      now = until;
      return;
    }
    waits = waits.filter((one) => one !== next);
    now = next.until;
    next.over();
  }
}

let watch: Monitor;
let looks: number;
let reports: string[];
let refuse: boolean;
let end: AbortController;
beforeEach(() => {
  now = 0;
  waits = [];
  looks = 0;
  reports = [];
  refuse = false;
  end = new AbortController();
  watch = openMonitor('1', clock);
  watch.observe({ kind: 'heartbeat', ms: 1 });
  keepReporting({
    timings: usualTimings.reporting.report,
    watch: {
      ...watch,
      problems() {
        looks += 1;
        return watch.problems();
      },
    },
    daemons: {
      async report(problems) {
        if (refuse) throw new Error('out of reach');
        reports.push(`${now} ${problems.map(({ level }) => level)}`.trim());
      },
    },
    clock,
    againMs: 10_000,
    signal: end.signal,
  });
});
afterEach(() => end.abort());

it('checks and reports now and then while nothing happens', async () => {
  await pass(60_000);
  watch.observe({ kind: 'heartbeat', ms: 1 });
  watch.notice({
    kind: 'batch-done',
    handler: 'news',
    consumer: 'files',
    cleared: [1],
    files: 1,
    failures: [],
    invalid: [],
  });
  await pass(1);
  expect(reports).toEqual(['0', '10000', '20000', '30000', '40000', '50000', '60000']);
  expect(looks).toBe(reports.length);
});

it('reports at once what has changed, and in time what has become worse', async () => {
  await pass(4_500);
  watch.observe({ kind: 'listener-lost', error: new Error('cut off') });
  await pass(1);
  expect(reports).toEqual(['0', '4500 warning']);
  // A second cause soon after the first is not logged again.
  watch.observe({ kind: 'listener-lost', error: new Error('cut off') });
  await pass(60_000);
  expect(reports.at(-1)).toBe('64500 critical');
  watch.observe({ kind: 'heartbeat', ms: 1 });
  await pass(250);
  expect(reports.at(-1)).toBe('64750');
});

it('tries again each second what it could not report', async () => {
  await pass(1_000);
  refuse = true;
  watch.observe({ kind: 'reload-refused', problems: ['a typing error'], retryMs: null });
  await pass(30_000);
  refuse = false;
  await pass(1_000);
  expect(reports).toEqual(['0', expect.stringMatching(/^3[12]000 warning$/)]);
});
