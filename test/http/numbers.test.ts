import { execFileSync } from 'node:child_process';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { Status } from '../../src/core/daemon-status.ts';
import { alertsOn, hasPromtool } from '../etc/alerts.ts';
import { eventually } from '../faults/eventually.ts';
import { addFailing } from '../postgres/unsettled.ts';
import type { LogLine } from '../uncached.ts';
import { get, scrape } from './get.ts';
import { clear, client, configure, daemon, hold, port, proxy, site, start } from './serving.ts';

const statusOf = async () => JSON.parse((await get(port, '/status.json')).body) as Status;

/** The first samples that fit, or the last that did not. */
function scraped(fits: (samples: ReadonlyMap<string, number>) => boolean) {
  let last: ReadonlyMap<string, number> = new Map();
  return eventually(
    'scraped',
    async () => {
      last = await scrape(port);
      return fits(last) ? last : undefined;
    },
    async () => JSON.stringify([...last]),
  );
}

/** How often it has listened: usually once more only after an outage or a reload. */
const listens = () => daemon.log.filter(({ event }) => event === 'listening').length;

const alerts = async () => (hasPromtool ? alertsOn((await get(port, '/metrics')).body) : []);

const of = (name: string, handler = 'listen_port') => `${name}{handler="${handler}"}`;

describe('the numbers', () => {
  it('are those of the database and of what was cleared', async () => {
    // Locked, so that they stay. Without the lock a notification may find its own entries already cleared by
    // the previous one, and take later entries.
    await client.query(`INSERT INTO cache_clearing_ports (category, port, date_added)
      VALUES ('www', 'd', now() - interval '5 minutes'), ('www', 'e', now())`);
    await hold('SELECT FROM cache_clearing_ports FOR UPDATE');
    await start();
    site.write(['news/1']);
    await clear('a', 'b');
    await clear('c');
    await clear('..');
    await addFailing(client, { handler: 'listen_date_updated', error: 'never', invalid: true });
    await addFailing(client, { handler: 'listen_commit', error: 'no way' });
    // A row is counted as settling only a moment after its clearing.
    const samples = await scraped(
      (all) =>
        all.get(of('uncached_failing_rows', 'listen_commit')) === 1 &&
        all.get(of('uncached_settling_rows')) === 4,
    );
    expect(samples.get(of('uncached_backlog_entries'))).toBe(2);

    expect(samples.get(of('uncached_claimed_rows'))).toBe(0);
    expect(samples.get(of('uncached_failing_rows'))).toBe(0);
    expect(samples.get(of('uncached_invalid_rows', 'listen_date_updated'))).toBe(1);
    expect(samples.get(of('uncached_failed_attempts_total'))).toBeGreaterThanOrEqual(1);
    expect(samples.get(of('uncached_failed_attempts_total', 'news'))).toBe(0);
    expect(samples.get(of('uncached_cleared_entries_total'))).toBe(3);
    expect(samples.get(of('uncached_cleared_files_total'))).toBe(3);
    expect(samples.get(of('uncached_cleared_files_total', 'news'))).toBe(1);
    expect(samples.get(of('uncached_commit_to_cleared_seconds_count'))).toBe(2);
    expect(samples.get(of('uncached_lag_seconds'))).toBeGreaterThan(299);
    expect(samples.get(of('uncached_lag_seconds'))).toBeLessThan(3_000);
    expect(samples.get('uncached_listening')).toBe(1);
    expect(samples.get('uncached_reconnects_total')).toBe(listens() - 1);
    expect(samples.get('uncached_heartbeat_age_seconds')).toBeLessThan(60);

    const {
      daemon: identity,
      health: level,
      problems,
      handlers,
      clearings,
      failingRows: failing,
    } = await statusOf();
    expect(identity).toEqual({
      host: hostname(),
      pid: daemon.pid,
      configurationFile: configure(),
      root: site.root,
      database: expect.stringMatching(new RegExp(`^${proxy.connection.database} on .+:\\d+$`)),
    });
    expect(level).toBe('critical');
    expect(problems.map(({ text }) => text).join()).toMatch(
      /listen_port lags 3\d\d(\.\d)? s behind.*listen_commit: 1 row failing: no way/,
    );
    expect(handlers.find(({ handler }) => handler === 'listen_port')).toMatchObject({
      backlog: 2,
      settling: 4,
      clearedFiles: 3,
      clearedEntries: 3,
    });
    // It is under `then`, and its file was deleted with the first batch.
    expect(handlers.find(({ handler }) => handler === 'news')).toMatchObject({
      clearedFiles: 1,
      clearedEntries: 0,
      lastClearedAt: expect.any(Number),
    });
    expect(clearings).toMatchObject([
      { handler: 'listen_port', keys: 1, files: 1, examples: [{ category: 'www', port: 'c' }] },
      { handler: 'listen_port', keys: 2, files: 3 },
    ]);
    expect(failing.find(({ handler }) => handler === 'listen_commit')).toMatchObject({ error: 'no way' });
    expect(failing.map(({ handler, invalid }) => [handler, invalid])).toEqual([
      ['listen_commit', false],
      ['listen_date_updated', true],
    ]);
  });

  it.skipIf(!hasPromtool)('keep the conventions, says promtool', async () => {
    await start();
    await clear('a');
    const { body, headers } = await get(port, '/metrics');
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    // promtool prints its complaints and fails.
    execFileSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' });
  });

  it('outlast an outage and a reload, and show their age', async () => {
    await start();
    await clear('a');
    await scraped((all) => all.get(of('uncached_settling_rows')) === 1);
    expect((await get(port, '/readyz')).body).toBe('listening\n');
    expect(await alerts()).toEqual([]);

    await proxy.refuse();
    const before = await scraped((all) => all.get('uncached_listening') === 0);
    const readiness = await get(port, '/readyz');
    expect([readiness.status, readiness.body]).toEqual([503, expect.stringMatching(/^not listening: .+/)]);
    expect((await get(port, '/healthz')).status).toBe(200);
    const age = before.get('uncached_counts_age_seconds') ?? 0;
    const during = await scraped((all) => (all.get('uncached_counts_age_seconds') ?? 0) > age + 1);
    expect(during.get(of('uncached_settling_rows'))).toBe(1);
    // After a slow count the next one is not tried at once.
    const { health: level, problems } = await eventually(
      'counted in vain',
      async () => {
        const status = await statusOf();
        return status.problems.some(({ text }) => text.startsWith('cannot count: ')) ? status : undefined;
      },
      async () => JSON.stringify((await statusOf()).problems),
    );
    expect(level).toBe('critical');
    expect(problems.map(({ text }) => text).join()).toMatch(/not listening: .*cannot count: /);
    const critical = { name: 'UncachedCritical', severity: 'critical', kind: 'database' };
    expect(await alerts()).toEqual(hasPromtool ? [critical] : []);

    await proxy.heal();
    await scraped((all) => all.get('uncached_listening') === 1);
    process.kill(daemon.pid, 'SIGHUP');
    const reloading = await daemon.until('reload', ({ event }) => event === 'reloading');
    const isAfter = (line: LogLine) => daemon.log.indexOf(line) > daemon.log.indexOf(reloading);
    await daemon.until('LISTEN', (line) => line.event === 'listening' && isAfter(line));
    const after = await scrape(port);
    // Neither the start nor the reload is one.
    expect(after.get('uncached_reconnects_total')).toBe(listens() - 2);
    expect(listens()).toBeGreaterThanOrEqual(3);
    expect(after.get(of('uncached_cleared_entries_total'))).toBe(1);
  });
});

it('answers while the connections are half-open, from what it knows', async () => {
  await start();
  await clear('a');
  await scraped((all) => all.get(of('uncached_settling_rows')) === 1);
  proxy.freeze('all');
  // Each of them would wait for its counts until its statement times out.
  const samples = await scraped((all) => (all.get('uncached_counts_age_seconds') ?? 0) > 2);
  expect(samples.get(of('uncached_settling_rows'))).toBe(1);
  await proxy.heal();
});
