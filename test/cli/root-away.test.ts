import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { usualTimings } from '../../src/core/timings.ts';
import { eventually } from '../faults/eventually.ts';
import { canMount, enterNamespace, inNamespace } from '../faults/namespace.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { forgetClearings, unsettled } from '../postgres/unsettled.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { connect } from '../sql/connect.ts';
import { type How, type RunningDaemon, startUncached, uncached } from '../uncached.ts';
import { marked } from './marked.ts';

const database = testDatabase();
let site: Site;
let client: Client;
let daemon: RunningDaemon | undefined;

beforeEach(async () => {
  site = makeSite();
  client = await connect(database.config);
  await forgetClearings(client);
  await client.query('TRUNCATE cache_clearing_ports');
});
afterEach(async () => {
  await daemon?.stop('SIGKILL');
  await client.end();
  site.remove();
});

const ini = (more = '') => site.configure(iniFor(site, database.config, { more }));

async function start(how: How = {}): Promise<RunningDaemon> {
  const started = startUncached(ini(), {}, how);
  daemon = started;
  await started.until('LISTEN', ({ event }) => event === 'listening');
  return started;
}

const enqueue = (port: string) =>
  client.query(
    `WITH entry AS (INSERT INTO cache_clearing_ports (category, port) VALUES ('www', '${port}'))
     SELECT pg_notify('port_updated', '')`,
  );

/** Whether every row was settled and none has ever failed. */
const settled = () =>
  eventually(
    'all settled',
    async () => {
      const { rows } = await client.query<{ rows: number; attempts: number }>(
        `SELECT count(*)::int AS rows, coalesce(max(attempts), 0)::int AS attempts
         FROM (SELECT attempts FROM ${unsettled} UNION ALL SELECT 0 FROM cache_clearing_ports) AS waiting`,
      );
      expect(rows[0]?.attempts).toBe(0);
      return rows[0]?.rows === 0 ? true : undefined;
    },
    async () => JSON.stringify(daemon?.log.slice(-10)),
  );

const isWaiting = ({ event, msg }: { event: string; msg: string }) =>
  event === 'loop-failed' && msg.includes('is not mounted');
const isBack = ({ event, loop }: { event: string; loop?: unknown }) =>
  event === 'loop-recovered' && loop === 'root';
const revivals = () =>
  (daemon?.log ?? []).filter(({ event }) => event === 'cache-wiped').map(({ reason }) => reason);
const page = (port: string) => `ports/www/${port}/Detail.html`;

describe.skipIf(!canMount())('a root on a file system of its own', () => {
  let disk: string;
  beforeEach(() => {
    disk = join(dirname(site.root), 'disk');
    for (const directory of ['ports', 'categories', 'daily', 'commits', 'news'])
      mkdirSync(join(disk, directory), { recursive: true });
  });
  const write = (path: string) => {
    mkdirSync(dirname(join(disk, path)), { recursive: true });
    writeFileSync(join(disk, path), 'old');
  };
  const mounted: () => How = () => ({
    before: inNamespace('mount --bind "$1/disk" "$1/cache"', dirname(site.root)),
  });
  const gone = (path: string) =>
    eventually(
      `${path} gone`,
      async () => {
        try {
          readFileSync(join(disk, path));
          return undefined;
        } catch {
          return true;
        }
      },
      async () => JSON.stringify(daemon?.log.slice(-10)),
    );

  it('that is unmounted for a moment loses nothing: rows wait, the log reports it, and all is cleared with the mount', async () => {
    const { pid, until } = await start(mounted());
    await marked(disk, client, daemon);
    await settled();
    for (const port of ['a', 'b']) write(page(port));
    enterNamespace(pid, 'umount', site.root);
    await enqueue('a');
    await until('alarm', isWaiting);
    await enqueue('b');
    const { rows } = await client.query<{ rows: number }>(`SELECT count(*)::int AS rows FROM ${unsettled}`);
    expect(rows[0]?.rows).toBeGreaterThan(0);
    const { stdout } = await uncached(['--config', ini(), 'check'], {});
    expect(stdout).toContain(`the file system at ${site.root} is not mounted`);
    enterNamespace(pid, 'mount', '--bind', disk, site.root);
    await until('its end', isBack);
    await gone(page('a'));
    await gone(page('b'));
    await settled();
    expect(revivals()).toEqual([]);
  });

  it('that is not mounted at the start is waited for, and SIGTERM ends that', async () => {
    await start(mounted());
    await marked(disk, client, daemon);
    await daemon?.stop();
    write(page('a'));
    const waiting = await start();
    await waiting.until('alarm', isWaiting);
    await enqueue('a');
    const began = performance.now();
    expect(await waiting.stop()).toBe(0);
    expect(performance.now() - began).toBeLessThan(usualTimings.stop.batchMs);
    // The log says that the daemon waits for root. Work that therefore waits for the next start is no error.
    expect(waiting.log.filter(({ level }) => level >= 50).map(({ msg }) => msg)).toEqual([
      expect.stringMatching(/is not mounted.*; retrying until it works$/),
    ]);
    const drained = await uncached(['--config', ini(), 'drain']);
    expect([drained.code, drained.stderr]).toEqual([
      1,
      expect.stringMatching(/^uncached: .* is not mounted.*\n$/),
    ]);
    expect(drained.stderr).not.toContain('retrying');
    await start(mounted());
    await gone(page('a'));
    await settled();
    expect(revivals()).toEqual([]);
  });

  it('that is to be mounted no more is declared by an empty marker, and wiped', async () => {
    await start(mounted());
    await marked(disk, client, daemon);
    await daemon?.stop();
    site.write([page('unknown')]);
    const { until } = await start();
    await until('alarm', isWaiting);
    writeFileSync(join(site.root, '.uncached'), '');
    await until('its end', isBack);
    await until('wipe', ({ event }) => event === 'cache-wiped');
    expect(site.pages()).toEqual([]);
    site.write([page('a')]);
    await enqueue('a');
    await settled();
    expect(site.pages()).toEqual([]);
  });

  it('of which a set is unmounted for a moment loses nothing either', async () => {
    const script =
      'mkdir -p "$1/set" && mount --bind "$1/disk" "$1/cache" && mount --bind "$1/set" "$1/cache/ports"';
    const { pid, until } = await start({ before: inNamespace(script, dirname(site.root)) });
    const set = join(dirname(site.root), 'set');
    await marked(set, client, daemon);
    expect(JSON.parse(readFileSync(join(set, '.uncached'), 'utf8')).clean).toBe(false);
    mkdirSync(join(set, 'www/a'), { recursive: true });
    writeFileSync(join(set, 'www/a/Detail.html'), 'old');
    enterNamespace(pid, 'umount', join(site.root, 'ports'));
    await enqueue('a');
    await until('alarm', isWaiting);
    enterNamespace(pid, 'mount', '--bind', set, join(site.root, 'ports'));
    await until('its end', isBack);
    await settled();
    expect(() => readFileSync(join(set, 'www/a/Detail.html'))).toThrow('ENOENT');
    expect(revivals()).toEqual([]);
    await daemon?.stop();
    expect(JSON.parse(readFileSync(join(set, '.uncached'), 'utf8')).clean).toBe(true);
  });
});

describe('a root', () => {
  it('that is moved away and made again is wiped, and so is the former when it is back', async () => {
    const { until } = await start();
    await marked(site.root, client, daemon);
    const former = `${site.root}.former`;
    site.write([page('former')]);
    renameSync(site.root, former);
    mkdirSync(site.root);
    site.write([page('a'), page('unknown')]);
    await enqueue('a');
    await settled();
    await until('wipe', ({ event }) => event === 'cache-wiped');
    expect(site.pages()).toEqual([]);
    await marked(site.root, client, daemon);
    rmSync(site.root, { recursive: true });
    renameSync(former, site.root);
    await enqueue('b');
    await until('wipe', () => revivals().length === 2);
    expect(site.pages()).toEqual([]);
  });

  it('with a switched link continues in the other directory, which is wiped', async () => {
    const [one, other] = [`${site.root}.one`, `${site.root}.other`];
    renameSync(site.root, one);
    symlinkSync(one, site.root);
    const { until } = await start();
    await marked(one, client, daemon);
    await settled();
    mkdirSync(join(other, 'ports/www/a'), { recursive: true });
    writeFileSync(join(other, page('a')), 'old');
    unlinkSync(site.root);
    symlinkSync(other, site.root);
    await enqueue('x');
    await until('wipe', ({ event }) => event === 'cache-wiped');
    expect(() => readFileSync(join(other, page('a')))).toThrow('ENOENT');
    await settled();
  });

  it('that is missing is waited for: no row fails', async () => {
    const { until } = await start();
    await marked(site.root, client, daemon);
    site.write([page('a')]);
    renameSync(site.root, `${site.root}.away`);
    await enqueue('a');
    await until('alarm', ({ event, msg }) => event === 'loop-failed' && msg.includes('root is missing'));
    renameSync(`${site.root}.away`, site.root);
    await until('its end', isBack);
    await settled();
    expect(site.pages()).toEqual([]);
    expect(revivals()).toEqual([]);
  });
});
