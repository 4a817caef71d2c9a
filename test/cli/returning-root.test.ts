import { cpSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { forgetClearings, unsettled } from '../postgres/unsettled.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { connect } from '../sql/connect.ts';
import { type RunningDaemon, startUncached, uncached } from '../uncached.ts';

const database = testDatabase();
let site: Site;
let second: Site;
let client: Client;
const running: RunningDaemon[] = [];

beforeEach(async () => {
  site = makeSite();
  second = makeSite();
  client = await connect(database.config);
  await forgetClearings(client);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((daemon) => daemon.stop('SIGKILL')));
  await client.end();
  site.remove();
  second.remove();
});

const ini = (root = site.root) => site.configure(iniFor({ root }, database.config));
const iniOfSecond = () => second.configure(iniFor(second, database.config));
const wipes = ({ log }: RunningDaemon) =>
  log.filter(({ event }) => event === 'cache-wiped').map(({ reason }) => reason);

async function start(file = ini()): Promise<RunningDaemon> {
  const daemon = startUncached(file);
  running.push(daemon);
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
  return daemon;
}

/** The markers exist once a daemon runs. */
const marked = (root = site.root) =>
  eventually(
    'a marker',
    async () => {
      try {
        return JSON.parse(readFileSync(join(root, '.uncached'), 'utf8')).clean === false ? true : undefined;
      } catch {
        return undefined;
      }
    },
    async () => JSON.stringify(running[0]?.log.slice(-10)),
  );

const allSettled = (daemon: RunningDaemon) =>
  eventually(
    'settled',
    async () => (await client.query(`SELECT FROM ${unsettled}`)).rowCount === 0 || undefined,
    async () => JSON.stringify(daemon.log.slice(-10)),
  );

/** What the root at the former path is called when it is back. */
const moved = () => `${site.root}.moved`;

/** A daemon with the first root, and after its end one with the second, which clears `a` meanwhile. */
async function missed(): Promise<void> {
  const first = await start();
  await marked();
  await first.stop();
  const meanwhile = await start(iniOfSecond());
  await marked(second.root);
  await client.query(
    `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a'); NOTIFY port_updated`,
  );
  await meanwhile.until('clearing', ({ event }) => event === 'settled');
  await meanwhile.stop();
  site.write(['ports/www/a/1', 'ports/www/b/1']);
  renameSync(site.root, moved());
}

it.each([
  ['', async () => {}],
  [
    ', though its place is not known any more',
    () => client.query('DELETE FROM uncached.root WHERE path = $1', [site.root]),
  ],
])(
  'a root that comes back in another place is cleared of what it missed, and of no more%s',
  async (_what, forget) => {
    await missed();
    await forget();
    const daemon = await start(ini(moved()));
    await allSettled(daemon);
    await marked(moved());
    expect(wipes(daemon)).toEqual([]);
    renameSync(moved(), site.root);
    expect(site.pages()).toEqual(['ports/www/b/1']);
  },
);

it.each([
  ['that the database has forgotten', `DELETE FROM uncached.consumer`, 'new'],
  ['that has expired', `UPDATE uncached.consumer SET state = 'expired'`, 'expired'],
  ['in the middle of a wipe', `UPDATE uncached.consumer SET state = 'wiping'`, 'unknown'],
])('a root %s is wiped when it comes back', async (_what, statement, reason) => {
  await missed();
  await client.query(statement);
  const daemon = await start(ini(moved()));
  await daemon.until('wipe', ({ event }) => event === 'cache-wiped');
  await marked(moved());
  expect(wipes(daemon)).toEqual([reason]);
  await eventually(
    'live',
    async () =>
      (await client.query(`SELECT FROM uncached.consumer WHERE state = 'live' AND place = $1`, [moved()]))
        .rowCount === 1 || undefined,
    async () => JSON.stringify(daemon.log.slice(-10)),
  );
  renameSync(moved(), site.root);
  expect(site.pages()).toEqual([]);
});

it('a root that is missing at the first start is wiped when it is there, if the log was trimmed meanwhile', async () => {
  site.write(['ports/www/a/1', 'ports/www/b/1']);
  renameSync(site.root, moved());
  const more = '[daemon]\nsweep = 1s\nkeep = 0s';
  const daemon = await start(site.configure(iniFor(site, database.config, { more })));
  await daemon.until('alarm', ({ event, msg }) => event === 'loop-failed' && msg.includes('root is missing'));
  await client.query(
    `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a'); NOTIFY port_updated`,
  );
  await eventually(
    'claimed and trimmed',
    async () => {
      const { rowCount } = await client.query(
        'SELECT FROM uncached.log_id_seq WHERE is_called AND NOT EXISTS (SELECT FROM uncached.log)',
      );
      return rowCount === 1 || undefined;
    },
    async () => JSON.stringify(daemon.log.slice(-10)),
  );
  renameSync(moved(), site.root);
  await marked();
  expect(site.pages()).toEqual([]);
  await daemon.until('wipe', ({ event }) => event === 'cache-wiped');
  expect(wipes(daemon)).toEqual(['new']);
});

it('a copy is a root of its own while a daemon clears the original: check has nothing against it', async () => {
  const daemon = await start();
  await marked();
  site.write(['ports/www/a/1', 'categories/www/1', 'daily/1', 'commits/1', 'news/1']);
  rmSync(second.root, { recursive: true });
  cpSync(site.root, second.root, { recursive: true });
  expect(await uncached(['--config', iniOfSecond(), 'check'])).toMatchObject({ code: 0, stderr: '' });
  const copy = await start(iniOfSecond());
  await copy.until('wipe', ({ event }) => event === 'cache-wiped');
  expect(wipes(copy)).toEqual(['copy']);
  // Neither keeps the other from its work.
  await client.query(
    `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a'); NOTIFY port_updated`,
  );
  await eventually(
    'cleared',
    async () => site.pages().join() === 'commits/1,daily/1' || undefined,
    async () => JSON.stringify(daemon.log.slice(-10)),
  );
  await allSettled(daemon);
  expect((await client.query('SELECT DISTINCT id FROM uncached.consumer')).rowCount).toBe(2);
});

it('the table is used as soon as it exists, without a restart, and its absence is reported once', async () => {
  await client.query('ALTER TABLE uncached.root RENAME TO gone');
  try {
    const daemon = startUncached(
      site.configure(iniFor(site, database.config, { more: '[daemon]\nsweep = 1s' })),
    );
    running.push(daemon);
    await daemon.until('notice', ({ event }) => event === 'notice');
    await marked();
    await client.query('ALTER TABLE uncached.gone RENAME TO root');
    await eventually(
      'a row',
      async () => ((await client.query('SELECT FROM uncached.root')).rowCount === 1 ? true : undefined),
      async () => JSON.stringify(daemon.log.slice(-10)),
    );
    expect(daemon.log.filter(({ event }) => event === 'notice')).toHaveLength(1);
  } finally {
    await client.query('ALTER TABLE IF EXISTS uncached.gone RENAME TO root');
  }
});
