import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Status } from '../../src/core/status.ts';
import { eventually } from '../faults/eventually.ts';
import { FaultProxy } from '../faults/proxy.ts';
import { freePort } from '../postgres/free-port.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { type RunningDaemon, startUncached } from '../uncached.ts';
import { get, scrape } from './get.ts';

const database = testDatabase();
let site: Site;
let client: Client;
let proxy: FaultProxy;
let daemon: RunningDaemon;
let port: number;

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
});
afterAll(() => client.end());
beforeEach(async () => {
  site = makeSite();
  proxy = await FaultProxy.open(database.config);
  port = await freePort();
});
afterEach(async () => {
  await daemon.stop();
  await proxy.close();
  await client.query('TRUNCATE uncached.journal, cache_clearing_ports');
  site.remove();
});

const listenOn = (at: number) => `[http]\nlisten = ${at}`;

function configure(more = listenOn(port), settle = '1h'): string {
  return site.configure(iniFor(site, proxy.connection, { settle, more }));
}

async function start(more?: string): Promise<void> {
  daemon = startUncached(configure(more));
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
}

async function clear(...ports: string[]): Promise<void> {
  site.write(ports.map((name) => `ports/www/${name}/1`));
  await client.query('BEGIN');
  for (const name of ports) {
    await client.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ('www', $1)`, [name]);
  }
  const from = daemon.log.length;
  await client.query('NOTIFY port_updated; COMMIT');
  await daemon.until('clearing', (line) => line.event === 'cleared' && daemon.log.indexOf(line) >= from);
}

const statusOf = async () => JSON.parse((await get(port, '/status.json')).body) as Status;

/** The numbers that fit, or the last that did not. */
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

const of = (name: string, handler = 'listen_port') => `${name}{handler="${handler}"}`;

describe('the numbers', () => {
  it('are those of the database and of what was cleared', async () => {
    await start();
    await clear('a', 'b');
    await clear('c');
    await clear('..');
    // Behind the daemon's back: nothing wakes it.
    await client.query(`INSERT INTO cache_clearing_ports (category, port, date_added)
      VALUES ('www', 'd', now() - interval '5 minutes'), ('www', 'e', now())`);
    await client.query(`INSERT INTO uncached.journal (handler, key, last_error, retry_at)
      VALUES ('listen_commit', '{}', 'no way', now() + interval '1 hour')`);
    const samples = await scraped((all) => all.get(of('uncached_backlog_entries')) === 2);

    expect(samples.get(of('uncached_settling_rows'))).toBe(3);
    expect(samples.get(of('uncached_claimed_rows'))).toBe(0);
    expect(samples.get(of('uncached_failing_rows'))).toBe(1);
    expect(samples.get(of('uncached_failed_rows_total'))).toBeGreaterThanOrEqual(1);
    expect(samples.get(of('uncached_failed_rows_total', 'news'))).toBe(0);
    expect(samples.get(of('uncached_failing_rows', 'listen_commit'))).toBe(1);
    expect(samples.get(of('uncached_cleared_entries_total'))).toBe(4);
    expect(samples.get(of('uncached_cleared_files_total'))).toBe(3);
    expect(samples.get(of('uncached_cleared_files_total', 'news'))).toBe(0);
    expect(samples.get(of('uncached_commit_to_cleared_seconds_count'))).toBe(3);
    expect(samples.get(of('uncached_lag_seconds'))).toBeGreaterThan(299);
    expect(samples.get(of('uncached_lag_seconds'))).toBeLessThan(3_000);
    expect(samples.get('uncached_listening')).toBe(1);
    expect(samples.get('uncached_reconnects_total')).toBe(0);
    expect(samples.get('uncached_heartbeat_age_seconds')).toBeLessThan(60);

    const { level, reasons, handlers, clearings, failing } = await statusOf();
    expect(level).toBe('critical');
    expect(reasons.join()).toMatch(
      /listen_port lags 30\d(\.\d)? s behind.*1 of listen_commit failing: no way/,
    );
    expect(handlers.find(({ handler }) => handler === 'listen_port')).toMatchObject({
      backlog: 2,
      settling: 3,
      files: 3,
      entries: 4,
    });
    expect(clearings).toMatchObject([
      { handler: 'listen_port', keys: 1, files: 0, examples: [{ category: 'www', port: '..' }] },
      { handler: 'listen_port', keys: 1, files: 1, examples: [{ category: 'www', port: 'c' }] },
      { handler: 'listen_port', keys: 2, files: 2 },
    ]);
    expect(failing.find(({ handler }) => handler === 'listen_commit')).toMatchObject({ error: 'no way' });
    expect(failing.find(({ handler }) => handler === 'listen_port')).toMatchObject({ key: { port: '..' } });
  });

  const promtool = which('promtool');
  if (!promtool) console.warn('SKIPPED: promtool does not look at /metrics: apt-get install prometheus');
  it.skipIf(!promtool)('keep the conventions, says promtool', async () => {
    await start();
    await clear('a');
    const { body, headers } = await get(port, '/metrics');
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    // It prints what it does not like, and fails.
    execFileSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' });
  });

  it('outlast an outage and a reload, and tell their age', async () => {
    await start();
    await clear('a');
    await scraped((all) => all.get(of('uncached_settling_rows')) === 1);
    expect((await get(port, '/readyz')).body).toBe('listening\n');

    await proxy.refuse();
    const before = await scraped((all) => all.get('uncached_listening') === 0);
    const readiness = await get(port, '/readyz');
    expect([readiness.status, readiness.body]).toEqual([503, expect.stringMatching(/^not listening: .+/)]);
    expect((await get(port, '/healthz')).status).toBe(200);
    const age = before.get('uncached_counts_age_seconds') ?? 0;
    const during = await scraped((all) => (all.get('uncached_counts_age_seconds') ?? 0) > age + 1);
    expect(during.get(of('uncached_settling_rows'))).toBe(1);
    const { level, reasons } = await statusOf();
    expect(level).not.toBe('ok');
    expect(reasons.join()).toMatch(/not listening: .*cannot count: /);

    await proxy.heal();
    await scraped((all) => all.get('uncached_listening') === 1);
    process.kill(daemon.pid, 'SIGHUP');
    const from = daemon.log.length;
    await daemon.until('LISTEN', (line) => line.event === 'listening' && daemon.log.indexOf(line) >= from);
    const after = await scrape(port);
    expect(after.get('uncached_reconnects_total')).toBe(1);
    expect(after.get(of('uncached_cleared_entries_total'))).toBe(1);
  });
});

it('answers while the connections are half-open, from what it knows', async () => {
  await start();
  await clear('a');
  await scraped((all) => all.get(of('uncached_settling_rows')) === 1);
  proxy.freeze('all');
  // Each of them would wait for its counts until statements time out.
  const samples = await scraped((all) => (all.get('uncached_counts_age_seconds') ?? 0) > 2);
  expect(samples.get(of('uncached_settling_rows'))).toBe(1);
  await proxy.heal();
});

describe('the address', () => {
  it('is off by default', async () => {
    await start('');
    expect(daemon.log.filter(({ event }) => event === 'serving')).toEqual([]);
  });

  it('is on loopback for a port alone, moves with SIGHUP, and goes with its option', async () => {
    await start();
    expect((await daemon.until('serving', ({ event }) => event === 'serving')).url).toBe(
      `http://127.0.0.1:${port}/`,
    );
    const other = await freePort();
    configure(listenOn(other));
    process.kill(daemon.pid, 'SIGHUP');
    await daemon.until('move', ({ url }) => url === `http://127.0.0.1:${other}/`);
    expect((await get(other, '/healthz')).body).toBe('alive\n');
    await expect(get(port, '/healthz')).rejects.toThrow('ECONNREFUSED');

    configure('');
    process.kill(daemon.pid, 'SIGHUP');
    await eventually(
      'closed',
      () =>
        get(other, '/healthz').then(
          () => undefined,
          () => true,
        ),
      async () => 'it answers',
    );
  });

  it('that is taken is told with what to do, stops no clearing, and is taken over when it is free', async () => {
    const squatter = createServer().listen(port, '127.0.0.1');
    await new Promise((resolve) => squatter.once('listening', resolve));
    await start();
    const { msg } = await daemon.until('complaint', ({ event }) => event === 'not-serving');
    expect(msg).toMatch(
      /Cannot serve the status page at 127\.0\.0\.1:\d+: the port is taken: stop what has it .*clearing goes on without it/,
    );
    await clear('a');
    expect(site.pages()).toEqual([]);
    await new Promise((resolve) => squatter.close(resolve));
    await daemon.until('serving', ({ event }) => event === 'serving');
    expect((await get(port, '/healthz')).status).toBe(200);
  });
});

describe('answers', () => {
  it('GET and HEAD alone, for what there is, under the name it is served at', async () => {
    await start();
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const { status, headers } = await get(port, '/', { method });
      expect([method, status, headers.allow]).toEqual([method, 405, 'GET, HEAD']);
    }
    const head = await get(port, '/status.json', { method: 'HEAD' });
    expect([head.status, head.body]).toEqual([200, '']);
    for (const path of ['/nothing', '/page/../package.json', '/page/%2e%2e/package.json', '/page/', '//']) {
      expect([path, (await get(port, path)).status]).toEqual([path, 404]);
    }
    expect((await get(port, '/healthz?a=b')).status).toBe(200);
    for (const [host, status] of [
      ['localhost', 200],
      [`localhost:${port}`, 200],
      ['[::1]:1', 200],
      ['example.org', 421],
      ['127.0.0.1.example.org', 421],
    ] as const) {
      expect([host, (await get(port, '/status.json', { headers: { host } })).status]).toEqual([host, status]);
    }
  });
});

function which(program: string): string | undefined {
  try {
    return execFileSync('which', [program], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}
