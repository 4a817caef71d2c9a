import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { connect } from '../sql/connect.ts';
import { type RunningDaemon, startUncached, uncached } from '../uncached.ts';
import { markerWritten, otherBoot, readMarker } from './marker-file.ts';

const isWipe = ({ event }: { event: string }) => event === 'cache-wiped';
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

const marker = (root = site.root) => readMarker(root);
const ini = (root = site.root, handlers?: string) =>
  site.configure(iniFor({ root }, database.config, handlers === undefined ? {} : { handlers }));

async function start(file = ini()): Promise<RunningDaemon> {
  const daemon = startUncached(file);
  running.push(daemon);
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
  return daemon;
}

const marked = (root = site.root) => markerWritten(root, running[0]);

/** Runs a daemon that ends in order. */
async function runOnce(root = site.root, file = ini()): Promise<void> {
  const daemon = await start(file);
  await marked(root);
  expect(await daemon.stop()).toBe(0);
}

describe('a wipe', () => {
  it('is done once: what it could not delete is retried alone, also after a restart', async () => {
    await runOnce();
    const elsewhere = join(dirname(site.root), 'elsewhere');
    mkdirSync(elsewhere);
    mkdirSync(join(site.root, 'daily'));
    symlinkSync(elsewhere, join(site.root, 'daily/2020'));
    const crashed = () =>
      writeFileSync(`${site.root}/.uncached`, JSON.stringify({ ...marker(), boot: otherBoot, clean: false }));
    crashed();
    site.write(['news/1', 'ports/www/a/1']);
    const daemon = await start();
    const { msg } = await daemon.until('what is left', ({ event }) => event === 'wipe-failed');
    expect(msg).toContain('daily/2020: ELOOP');
    expect(daemon.log.filter(isWipe)).toMatchObject([{ files: 2, reason: 'crash' }]);
    await marked();
    site.write(['news/2', 'ports/www/a/2']);
    expect(await daemon.stop()).toBe(0);
    expect(marker()).toMatchObject({ clean: true, left: ['daily/2020'] });

    rmSync(join(site.root, 'daily/2020'));
    const fresh = ['daily/2021/01/03.head', 'news/2', 'ports/www/a/2'];
    site.write([...fresh, 'daily/2020/01/03.head']);
    await start();
    await eventually(
      'what was left',
      async () => (marker().left === undefined ? true : undefined),
      async () => JSON.stringify(marker()),
    );
    expect(site.pages().filter((path) => !path.startsWith('news'))).toEqual(
      fresh.filter((path) => !path.startsWith('news')),
    );
  });

  it('that the daemon does not survive is begun again', async () => {
    await runOnce();
    await client.query('UPDATE uncached.root SET wiping = true');
    site.write(['news/1']);
    const daemon = await start();
    await daemon.until('wipe', isWipe);
    expect(site.pages()).toEqual([]);
  });
});

describe('two deleters', () => {
  /** Each knows of the other by what the database has recorded. */
  const bothRecorded = () =>
    eventually(
      'both recorded',
      async () => {
        const { rowCount } = await client.query(
          'SELECT FROM uncached.root CROSS JOIN jsonb_object_keys(owners)',
        );
        return rowCount === 2 || undefined;
      },
      async () => JSON.stringify(running.map(({ log }) => log.slice(-10))),
    );

  it('on one root say that it is clean when the last has ended; drain is one', async () => {
    const [one, other] = [await start(), await start()];
    await bothRecorded();
    await marked();
    await one.stop();
    expect(marker().clean).toBe(false);
    expect((await uncached(['--config', ini(), 'drain'])).code).toBe(0);
    expect(marker().clean).toBe(false);
    await other.stop();
    expect(marker().clean).toBe(true);
    expect((await uncached(['--config', ini(), 'drain'])).code).toBe(0);
    expect(marker().clean).toBe(true);
  });

  it('that stop at the same time leave it clean', async () => {
    const both = [await start(), await start()];
    await bothRecorded();
    await marked();
    await Promise.all(both.map((daemon) => daemon.stop()));
    expect(marker().clean).toBe(true);
  });

  it('with different roots and the same queue tables are refused: by run, check and drain', async () => {
    await start();
    await marked();
    const second = makeSite();
    try {
      second.write(['news/1', 'ports/www/a/1', 'categories/www/1', 'daily/1', 'commits/1']);
      const file = second.configure(iniFor(second, database.config));
      const why = `a daemon that clears another root, ${site.root}, takes entries of`;
      for (const command of ['check', 'drain']) {
        const { code, stdout, stderr } = await uncached(['--config', file, command]);
        expect([code, stdout + stderr]).toEqual([1, expect.stringContaining(why)]);
      }
      const refused = startUncached(file);
      running.push(refused);
      expect(await refused.ended).toBe(1);
      expect(refused.log.at(-1)).toMatchObject({ event: 'fatal-error', msg: expect.stringContaining(why) });
      expect(second.pages()).toHaveLength(5);
    } finally {
      second.remove();
    }
  });

  it('with different roots and different queue tables are allowed', async () => {
    await client.query(
      `CREATE TABLE images (id bigint GENERATED ALWAYS AS IDENTITY, name text);
       GRANT SELECT, DELETE, UPDATE (id) ON images TO uncached`,
    );
    await start();
    await marked();
    const second = makeSite();
    try {
      mkdirSync(join(second.root, 'i'));
      const handlers = '[handler.images]\nqueue = images\nclear[] = i/{name}.png\n';
      await start(second.configure(iniFor(second, database.config, { handlers })));
      await marked(second.root);
    } finally {
      await Promise.all(running.splice(0).map((daemon) => daemon.stop('SIGKILL')));
      second.remove();
    }
  });
});

it('a copy of a root is wiped and gets an id of its own, and so is one that another took entries from', async () => {
  const second = makeSite();
  try {
    site.write(['news/1']);
    await runOnce();
    rmSync(second.root, { recursive: true });
    cpSync(site.root, second.root, { recursive: true });
    second.write(['news/1']);
    const file = second.configure(iniFor(second, database.config));
    const copy = await start(file);
    expect(await copy.until('wipe', isWipe)).toMatchObject({ reason: 'copy' });
    await marked(second.root);
    await copy.stop();
    expect(second.pages()).toEqual([]);
    expect(marker(second.root).id).not.toBe(marker().id);
    await runOnce(second.root, file);

    site.write(['news/1']);
    const former = await start();
    expect(await former.until('wipe', isWipe)).toMatchObject({ reason: 'missed' });
    await marked();
    await former.stop();
    const again = await start();
    await marked();
    await again.stop();
    expect(again.log.filter(isWipe)).toEqual([]);
  } finally {
    second.remove();
  }
});

it('a database of before the table is served as before, and both say what to do', async () => {
  await client.query('ALTER TABLE uncached.root RENAME TO gone');
  try {
    const daemon = await start();
    const { msg } = await daemon.until('notice', ({ event }) => event === 'notice');
    expect(msg).toContain('run "uncached schema --journal-only | psql -d DATABASE" again');
    await marked();
    expect(await daemon.stop()).toBe(0);
    expect(marker().clean).toBe(true);
    const { stdout } = await uncached(['--config', ini(), 'check']);
    expect(stdout).toContain('run "uncached schema --journal-only | psql -d DATABASE" again');
  } finally {
    await client.query('ALTER TABLE uncached.gone RENAME TO root');
  }
});
