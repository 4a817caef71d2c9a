import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { connect } from '../sql/connect.ts';
import { type RunningDaemon, startUncached, uncached } from '../uncached.ts';

const database = testDatabase();
let site: Site;
let client: Client;
const running: RunningDaemon[] = [];

beforeEach(async () => {
  site = makeSite();
  client = await connect(database.config);
  await client.query('TRUNCATE uncached.root, uncached.journal');
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((daemon) => daemon.stop('SIGKILL')));
  await client.end();
  site.remove();
});

const ini = (root = site.root) => site.configure(iniFor({ root }, database.config));

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

it.each([
  ['', async () => {}],
  [
    ', though nothing is known of it any more',
    () => client.query('DELETE FROM uncached.root WHERE path = $1', [site.root]),
  ],
])(
  'a former root that is moved is wiped, too, when another took entries meanwhile%s',
  async (_what, forget) => {
    const second = makeSite();
    const moved = `${site.root}.moved`;
    try {
      const first = await start();
      await marked();
      await first.stop();
      const file = second.configure(iniFor(second, database.config));
      const daemon = await start(file);
      await marked(second.root);
      await daemon.stop();
      site.write(['news/1']);
      renameSync(site.root, moved);
      await forget();
      const former = await start(ini(moved));
      expect(await former.until('wipe', ({ event }) => event === 'cache-wiped')).toMatchObject({
        reason: 'missed',
      });
      expect(existsSync(join(moved, 'news/1'))).toBe(false);
      // It has written its marker there before the site is removed.
      await marked(moved);
    } finally {
      second.remove();
    }
  },
);

it('check and run both refuse a copy while a daemon clears the original', async () => {
  const second = makeSite();
  try {
    await start();
    await marked();
    site.write(['ports/www/a/1', 'categories/www/1', 'daily/1', 'commits/1', 'news/1']);
    rmSync(second.root, { recursive: true });
    cpSync(site.root, second.root, { recursive: true });
    const { code, stdout } = await uncached([
      '--config',
      second.configure(iniFor(second, database.config)),
      'check',
    ]);
    expect(stdout).toContain(`a daemon that clears another root, ${site.root}, takes entries of`);
    expect(code).toBe(1);
  } finally {
    second.remove();
  }
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
