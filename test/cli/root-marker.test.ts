import { execFileSync } from 'node:child_process';
import { cpSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { usualTimings } from '../../src/core/timings.ts';
import { eventually } from '../faults/eventually.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { forgetClearings } from '../postgres/unsettled.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { connect } from '../sql/connect.ts';
import { type RunningDaemon, startUncached, uncached } from '../uncached.ts';

const isWipe = ({ event }: { event: string }) => event === 'cache-wiped';
const database = testDatabase();
let site: Site;
let client: Client;
const running: RunningDaemon[] = [];

beforeEach(async () => {
  site = makeSite();
  client = await connect(database.config);
  await forgetClearings(client);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((daemon) => daemon.stop('SIGKILL')));
  await client.end();
  site.remove();
});

const marker = (root = site.root) => JSON.parse(readFileSync(join(root, '.uncached'), 'utf8'));
const ini = (root = site.root, handlers?: string) =>
  site.configure(iniFor({ root }, database.config, handlers === undefined ? {} : { handlers }));

async function start(file = ini()): Promise<RunningDaemon> {
  const daemon = startUncached(file);
  running.push(daemon);
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
  return daemon;
}

/** The boot in the marker of a machine that crashed. */
const otherBoot = 'other';

/** Whether the marker records that a daemon runs. A fifo in its place could block the read for ever. */
function isMarked(root: string): boolean {
  try {
    if (!lstatSync(join(root, '.uncached')).isFile()) return false;
    const { clean, boot } = marker(root);
    return clean === false && boot !== otherBoot;
  } catch {
    return false;
  }
}

/** On a busy machine a daemon may listen before it writes its marker. */
const marked = (root = site.root) =>
  eventually(
    'a marker',
    async () => isMarked(root) || undefined,
    async () => JSON.stringify(running[0]?.log.slice(-10)),
  );

/** Runs a daemon that ends in order. */
async function runOnce(root = site.root, file = ini()): Promise<void> {
  const daemon = await start(file);
  await marked(root);
  expect(await daemon.stop()).toBe(0);
}

describe('in place of the marker', () => {
  it.each([
    // small-file.test.ts and marker-files.test.ts test what else is not read.
    ['a fifo', (path: string) => execFileSync('mkfifo', [path])],
    ['another shape', (path: string) => writeFileSync(path, '{"boot":1,"clean":"yes"}')],
  ])(
    '%s is not waited for and not read: nothing is known of the last run, and a marker is put there',
    async (_what, make) => {
      site.write(['news/1']);
      make(join(site.root, '.uncached'));
      const daemon = await start();
      await daemon.until('wipe', isWipe);
      await marked();
      expect(site.pages()).toEqual([]);
      const began = performance.now();
      expect(await daemon.stop()).toBe(0);
      expect(performance.now() - began).toBeLessThan(usualTimings.stop.batchMs);
      expect(marker()).toMatchObject({ clean: true, id: expect.stringMatching(/^[0-9a-f]{16}$/) });
    },
  );

  it('a directory is reported in words, and clearing continues', async () => {
    mkdirSync(join(site.root, '.uncached'));
    const daemon = await start();
    const { msg } = await daemon.until('alarm', ({ event }) => event === 'loop-failed');
    expect(msg).toContain(`Cannot keep the marker ${site.root}/.uncached`);
    site.write(['news/1']);
    await client.query('NOTIFY port_updated');
    await eventually(
      'no news',
      async () => (site.pages().length === 0 ? true : undefined),
      async () => site.pages().join(),
    );
  });
});

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
    await client.query(`UPDATE uncached.consumer SET state = 'wiping'`);
    site.write(['news/1']);
    const daemon = await start();
    await daemon.until('wipe', isWipe);
    expect(site.pages()).toEqual([]);
  });
});

describe('two daemons on one root', () => {
  /** A daemon that clears, and one that stands by. */
  async function startBoth(): Promise<[RunningDaemon, RunningDaemon]> {
    const one = await start();
    await marked();
    const other = await start();
    await other.until('standby', ({ event, msg }) => event === 'notice' && msg.includes('stands by'));
    return [one, other];
  }

  it('say that it is clean when the last has ended; drain is one', async () => {
    const [one, other] = await startBoth();
    await one.stop();
    // The other takes over.
    await marked();
    expect(await uncached(['--config', ini(), 'drain'])).toMatchObject({ code: 0, stderr: '' });
    expect(marker().clean).toBe(false);
    await other.stop();
    expect(marker().clean).toBe(true);
    expect((await uncached(['--config', ini(), 'drain'])).code).toBe(0);
    expect(marker().clean).toBe(true);
  });

  it('that stop at the same time leave it clean', async () => {
    const both = await startBoth();
    await Promise.all(both.map((daemon) => daemon.stop()));
    expect(marker().clean).toBe(true);
  });
});

it('a copy of a root is wiped once, and gets an id of its own; the original is not wiped', async () => {
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
    await eventually(
      'live',
      async () =>
        (await client.query(`SELECT FROM uncached.consumer WHERE state = 'live'`)).rowCount === 2 ||
        undefined,
      async () => JSON.stringify(copy.log.slice(-10)),
    );
    await copy.stop();
    expect(second.pages()).toEqual([]);
    expect(marker(second.root).id).not.toBe(marker().id);

    for (const where of [second, site]) where.write(['news/1']);
    await runOnce(second.root, file);
    await runOnce();
    for (const where of [second, site]) expect(where.pages()).toEqual(['news/1']);
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
