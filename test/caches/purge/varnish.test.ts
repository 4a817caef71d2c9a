import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { client, enqueuePort, site, start } from '../../cli/running.ts';
import { database } from '../../cli/site-and-database.ts';
import { eventually } from '../../faults/eventually.ts';
import { iniFor } from '../../site.ts';
import { uncached } from '../../uncached.ts';
import {
  get,
  makeVarnish,
  type Origin,
  sectionFor,
  startOrigin,
  tagsVcl,
  type Varnish,
  varnishFound,
  xkeyFound,
} from './varnish.ts';

let origin: Origin;
let varnish: Varnish;

beforeEach(async () => {
  origin = await startOrigin();
  varnish = await makeVarnish(origin.port);
});
afterEach(async () => {
  await varnish.remove();
  origin.close();
});

const handlers = `
[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
url[] = /{category}/{port}/
`;

const daemon = ({ lag = '1s', log = 'info' } = {}) =>
  start({
    handlers,
    more: `[daemon]
heartbeat = 1s
log = ${log}
${sectionFor(varnish.address)}
lag = ${lag}`,
  });

/** What a monitor is told. */
async function status(): Promise<string> {
  const { stdout } = await uncached(['--config', join(dirname(site.root), 'uncached.ini'), 'status']);
  return stdout.split('\n')[0] ?? '';
}

const page = () => get(varnish.address, '/net/rsync/');

/** Changes what the pages show, and tells the daemon. */
async function change(): Promise<void> {
  origin.version += 1;
  await enqueuePort('net', 'rsync');
  await client.query('NOTIFY port_updated');
}

interface Cursors {
  newest: number;
  cleared: number;
  settled: number;
  problem: string | null;
}

/** With what is still in the queue. */
async function cursors(): Promise<Cursors> {
  const { rows } = await client.query<Cursors>(
    `SELECT (SELECT count(*)::int FROM cache_clearing_ports) + (SELECT coalesce(max(id), 0)::int FROM uncached.log) AS newest, cleared_to::int AS cleared, settled_to::int AS settled, problem
     FROM uncached.consumer WHERE kind = 'purge'`,
  );
  return rows[0] ?? expect.fail('there is no such cache');
}

const soon = (what: string, is: () => Promise<boolean>) =>
  eventually(
    what,
    async () => (await is()) || undefined,
    async () => JSON.stringify(await cursors()),
  );

const until = (which: 'cleared' | 'settled') =>
  soon(`the page to be ${which}`, async () => {
    const found = await cursors();
    return found[which] >= found.newest;
  });

describe.skipIf(!varnishFound)('a page in Varnish', () => {
  it('is gone when its row has changed', async () => {
    await varnish.start();
    const running = await daemon({ log: 'debug' });
    expect(await page()).toBe('version 1');
    origin.version = 2;
    expect(await page()).toBe('version 1');
    await change();
    await soon('the new page', async () => (await page()) === 'version 3');
    await until('settled');
    // Its age when it was purged for the first time.
    const first = await running.until('the purge', ({ event }) => event === 'cleared-behind');
    expect(first).toMatchObject({ consumer: 'purge varnish', lagMs: expect.any(Number) });
    const asked = running.log.filter(({ event }) => event === 'target-asked');
    expect(asked.map(({ outcome }) => outcome)).toEqual(['acknowledged', 'acknowledged']);
    // PURGE has not reached the origin.
    expect(origin.requests.filter((one) => !one.startsWith('GET'))).toEqual([]);
  });

  it('does not come back with a response that was on its way', async () => {
    await varnish.start();
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await daemon({ lag: '3s' });
    origin.onRender = (url) => (url === '/net/rsync/' ? released : Promise.resolve());
    const visitor = page();
    await soon('the request', async () => origin.requests.includes('GET /net/rsync/'));
    await change();
    await until('cleared');
    release();
    expect(await visitor).toBe('version 1');
    // The first request for it has come too soon.
    expect(await page()).toBe('version 1');
    await until('settled');
    expect(await page()).toBe('version 2');
  });

  // It is registered, and no request empties it: only its rows can be cleared for the second time.
  it('does not come back where the daemon was killed soon after its first start', async () => {
    await varnish.start();
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const first = await daemon({ lag: '3s' });
    origin.onRender = (url) => (url === '/net/rsync/' ? released : Promise.resolve());
    const visitor = page();
    await soon('the request', async () => origin.requests.includes('GET /net/rsync/'));
    await change();
    await until('cleared');
    await first.stop('SIGKILL');
    release();
    expect(await visitor).toBe('version 1');
    expect(await page()).toBe('version 1');
    await daemon();
    await until('settled');
    expect(await page()).toBe('version 2');
  });

  it('waits for a Varnish that is down, and nothing else does', async () => {
    await varnish.start();
    const running = await daemon();
    await varnish.stop();
    site.write(['ports/net/rsync/Detail.html']);
    await change();
    const file = join(site.root, 'ports/net/rsync/Detail.html');
    await soon('the file to go', async () => !existsSync(file));
    const failed = await running.until('the alarm', ({ event }) => event === 'target-down');
    expect(failed).toMatchObject({ level: 50, target: 'varnish' });
    expect(failed.msg).toMatch(
      new RegExp(
        `^\\[purge.varnish\\] ${varnish.address} is down since .*Z: does not answer: connect ECONNREFUSED`,
      ),
    );
    await soon('the fleet to know', async () => (await cursors()).problem?.includes('ECONNREFUSED') === true);
    expect(await status()).toMatch(/^UNCACHED (WARNING|CRITICAL) - .*\[purge.varnish\] .* does not answer/);
    expect(await cursors()).toMatchObject({ settled: 0 });
    await varnish.start();
    await until('settled');
    const back = await running.until('the end of the alarm', ({ event }) => event === 'target-up');
    expect(back.msg).toMatch(/answers again after .* s, 1 row behind$/);
    await soon('the fleet to know', async () => (await cursors()).problem === null);
    // One alarm, and one end of it.
    const told = running.log.filter(
      ({ level, event }) => event === 'target-up' || (level >= 50 && event !== 'unknown-handler'),
    );
    expect(told.map(({ event }) => event)).toEqual(['target-down', 'target-up']);
    expect(running.log.filter(({ event }) => event === 'loop-recovered')).toEqual([]);
  });

  it('is purged by drain as well, which does not end before', async () => {
    await varnish.start();
    expect(await page()).toBe('version 1');
    origin.version = 2;
    await enqueuePort('net', 'rsync');
    const file = site.configure(
      iniFor(site, database.config, { handlers, more: `${sectionFor(varnish.address)}\nlag = 1s` }),
    );
    const drained = await uncached(['--config', file, 'drain']);
    expect(drained).toMatchObject({ code: 0, stderr: '' });
    expect(await page()).toBe('version 2');
    const { newest, settled } = await cursors();
    expect(settled).toBe(newest);
    await varnish.stop();
    await enqueuePort('net', 'rsync');
    const failed = await uncached(['--config', file, 'drain']);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('does not answer: connect ECONNREFUSED');
    expect(failed.stderr).not.toContain('is down since');
  });

  it.skipIf(!xkeyFound)('goes with all others of its tag in one request', async () => {
    await varnish.remove();
    varnish = await makeVarnish(origin.port, tagsVcl);
    await varnish.start();
    origin.tagsOf = (url) => (url.startsWith('/net/') ? 'port-net-rsync other' : 'other');
    const pages = () =>
      Promise.all(['/net/rsync/', '/net/rsync/history', '/else'].map((path) => get(varnish.address, path)));
    expect(await pages()).toEqual(['version 1', 'version 1', 'version 1']);
    origin.version = 2;
    await enqueuePort('net', 'rsync');
    const tagged = '[handler.listen_port]\nqueue = cache_clearing_ports\ntag[] = port-{category}-{port}\n';
    const more = `${sectionFor(varnish.address, 'Varnish with tags')}\nlag = 1s`;
    const file = site.configure(iniFor(site, database.config, { handlers: tagged, more }));
    expect(await uncached(['--config', file, 'drain'])).toMatchObject({ code: 0, stderr: '' });
    expect(await pages()).toEqual(['version 2', 'version 2', 'version 1']);
  });

  it('is not taken for gone where PURGE reaches the origin, which answers 200', async () => {
    await varnish.remove();
    varnish = await makeVarnish(origin.port, '');
    await varnish.start();
    const running = await daemon();
    await page();
    await change();
    const failed = await running.until('the alarm', ({ event }) => event === 'target-down');
    expect(failed.msg).toContain(
      'answers 200 OK (version 2), and not what "expect" asks for: PURGE may reach the origin',
    );
    expect(await cursors()).toMatchObject({ settled: 0 });
  });
});
