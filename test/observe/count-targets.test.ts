import { expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { openMonitor } from '../../src/observe/monitor.ts';

async function shown(...events: Event[]): Promise<string[]> {
  const watch = openMonitor('1', { now: () => 0, wait: () => new Promise(() => {}) });
  await watch.expose();
  for (const event of events) watch.observe(event);
  const { text } = await watch.metrics();
  return text.split('\n').filter((line) => /^uncached_(purge|commit_to_purged)/.test(line));
}

const asked = (outcome: Extract<Event, { kind: 'target-asked' }>['outcome'], works = 1): Event => ({
  kind: 'target-asked',
  target: 'v/10.0.0.1:6081',
  outcome,
  ms: 20,
  works,
});
const label = 'target="v/10.0.0.1:6081"';

it('counts what a target answers, and what it has acknowledged', async () => {
  const lines = await shown(asked('acknowledged', 100), asked('throttled'), asked('acknowledged', 2));
  for (const line of [
    `uncached_purge_up{${label}} 1`,
    `uncached_purge_requests_total{${label},outcome="acknowledged"} 2`,
    `uncached_purge_requests_total{${label},outcome="throttled"} 1`,
    // From the start, so that the first one is a step.
    `uncached_purge_requests_total{${label},outcome="refused"} 0`,
    `uncached_purge_requests_total{${label},outcome="failed"} 0`,
    `uncached_purged_total{${label}} 102`,
    `uncached_purge_seconds_count{${label}} 3`,
    `uncached_purge_seconds_bucket{le="0.01",${label}} 0`,
    `uncached_purge_seconds_bucket{le="0.025",${label}} 3`,
  ])
    expect(lines).toContain(line);
});

it('does not know whether a target is up before it has acknowledged anything', async () => {
  expect((await shown(asked('refused'), asked('throttled'))).join()).not.toContain('purge_up');
  const down: Event = { kind: 'target-down', target: 'v', text: 'no' };
  const up: Event = { kind: 'target-up', target: 'v', called: 'v', ms: 1 };
  expect(await shown(down)).toContain('uncached_purge_up{target="v"} 0');
  expect(await shown(down, up)).toContain('uncached_purge_up{target="v"} 1');
  const reloading: Event = { kind: 'reloading', why: 'SIGHUP' };
  expect((await shown(down, reloading)).join()).not.toContain('purge_up{');
});

it('measures from the commit to the purge, of targets alone', async () => {
  const lines = await shown(
    { kind: 'cleared-behind', consumer: 'purge v', lagMs: 40 },
    { kind: 'cleared-behind', consumer: 'command v', lagMs: 40 },
  );
  expect(lines).toContain('uncached_commit_to_purged_seconds_count{target="v"} 1');
  expect(lines).toContain('uncached_commit_to_purged_seconds_bucket{le="0.05",target="v"} 1');
  expect(lines.filter((line) => line.includes('_count'))).toHaveLength(1);
});
