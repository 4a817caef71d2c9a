import { hostname } from 'node:os';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import type { RunningDaemon } from '../uncached.ts';
import { client, database, ini, on, site } from './commands.ts';
import { marked } from './marked.ts';
import { start } from './running.ts';

/** Of the one daemon that lives. */
const owner = '0123456789abcdef';
let session: Client;

/** The caches of a fleet: one is behind, one has a command behind it, one fails, one is gone. */
beforeEach(async () => {
  session = new Client({ ...database.config, application_name: `uncached ${owner}` });
  await session.connect();
  await client.query(`
    INSERT INTO uncached.log (handler, key, enqueued_at)
    SELECT 'listen_port', '{}', now() - interval '5 min' FROM generate_series(1, 5);
    INSERT INTO uncached.consumer (id, kind, name, node, place, state, settled_to, cleared_to, owner, seen_at, problem) VALUES
      ('aa', 'files', 'files', 'web1', '/cache', 'live', 1, 2, '${owner}', now() - interval '2 s', NULL),
      ('bb', 'files', 'files', 'web2', '/cache', 'live', 3, 5, 'two', now() - interval '3 min', 'root is missing'),
      ('bb command purge', 'command', 'purge', 'web2', '', 'live', 5, 5, 'two', now() - interval '3 min', NULL),
      ('cc', 'files', 'files', 'web3', '/other', 'expired', 0, 0, NULL, now() - interval '5 h', NULL);
    INSERT INTO uncached.failing (consumer, id, handler, key, claimed_at, last_error) VALUES
      ('bb', 1, 'listen_port', '{}', now(), 'read-only'), ('bb', 2, 'listen_port', '{}', now(), 'read-only')`);
});
afterEach(() => session.end());

const ids = async () =>
  (await client.query('SELECT id FROM uncached.consumer ORDER BY id')).rows.map(({ id }) => id);

describe('consumers', () => {
  it('lists every cache: where it is, how far, and what is wrong', async () => {
    const { code, stdout, stderr } = await on(ini(), 'consumers');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.replace(/seen [\d.]+ s ago/, 'seen S ago')).toBe(
      `aa  files on web1 (/cache): live, 3 rows behind (5 min), seen S ago
bb  files on web2 (/cache): live, 2 rows settling, 2 rows failing, seen 3 min ago, without a daemon, root is missing
bb command purge  command purge on web2: live, up to date, seen 3 min ago, without a daemon
cc  files on web3 (/other): expired, 5 rows behind (5 min), seen 5 h ago, stopped
`,
    );
    const json = await on(ini(), 'consumers', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject([
      { id: 'aa', kind: 'files', node: 'web1', place: '/cache', state: 'live', behind: 3, unsettled: 4 },
      { id: 'bb', failing: 2, problem: 'root is missing' },
      { id: 'bb command purge', kind: 'command', name: 'purge', behind: 0, unsettled: 0 },
      { id: 'cc', state: 'expired' },
    ]);
  });

  it('says so where there is none', async () => {
    await client.query('DELETE FROM uncached.consumer');
    expect(await on(ini(), 'consumers')).toEqual({
      code: 0,
      stdout: 'no cache follows this database: no daemon has cleared for it yet\n',
      stderr: '',
    });
  });
});

describe('consumers forget', () => {
  it.each([
    ['its id', 'bb', ['aa', 'cc']],
    ['its node', 'web2', ['aa', 'cc']],
    ['its root, where no other node has that', '/other', ['aa', 'bb', 'bb command purge']],
  ])('forgets a cache by %s, with what stands behind it and what fails there', async (_by, name, left) => {
    const { code, stdout, stderr } = await on(ini(), 'consumers', 'forget', name);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /^forgotten: files on web\d .*\n(?:.*\n)?the log is no longer kept for it; should it come back/,
    );
    expect(await ids()).toEqual(left);
    const { rows } = await client.query('SELECT DISTINCT consumer FROM uncached.failing');
    expect(rows.every(({ consumer }) => left.includes(consumer))).toBe(true);
  });

  it('refuses one that a daemon clears, and what names none or several', async () => {
    expect(await on(ini(), 'consumers', 'forget', 'aa')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/a daemon clears aa now: stop that daemon first/),
    });
    expect(await on(ini(), 'consumers', 'forget', 'nosuch')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no cache is called "nosuch"'),
    });
    expect(await on(ini(), 'consumers', 'forget', '/cache')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('2 caches are called "/cache": name the id of one'),
    });
    expect(await ids()).toEqual(['aa', 'bb', 'bb command purge', 'cc']);
  });

  it('forgets a cache, which is wiped when it is back', async () => {
    const again = (daemon: RunningDaemon) => async () => JSON.stringify(daemon.log.slice(-10));
    const daemon = await start();
    await marked(site.root, client, daemon);
    expect(await daemon.stop()).toBe(0);
    expect(await on(ini(), 'consumers', 'forget', site.root)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`forgotten: files on ${hostname()} (${site.root}): `),
    });
    site.write(['news/1']);
    const returned = await start();
    await returned.until('wipe', ({ event, reason }) => event === 'cache-wiped' && reason === 'new');
    await eventually('gone', async () => !site.pages().includes('news/1') || undefined, again(returned));
  });
});

describe('status', () => {
  it('shows every cache, and what is wrong with those of other nodes', async () => {
    await start();
    const { code, stdout } = await on(ini(), 'status', '--warning', '60s', '--critical', '2h');
    expect(code).toBe(2);
    for (const what of [
      /files on web1 \(\/cache\) lags behind, by 30\d(\.\d)? s/,
      /files on web2 \(\/cache\) is not cleared: root is missing/,
      /files on web3 \(\/other\) was away for too long and has expired: .*: uncached consumers forget cc/,
    ])
      expect(stdout).toMatch(what);
    expect(stdout).toMatch(/^files on web1 \(\/cache\): live, 3 rows behind/m);
    expect(stdout).toContain(`\nfiles on ${hostname()} (${site.root}): `);
  });
});
