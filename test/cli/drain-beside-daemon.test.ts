import { mkdirSync, symlinkSync } from 'node:fs';
import type { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { unsettled } from '../postgres/unsettled.ts';
import { iniFor } from '../site.ts';
import { connect } from '../sql/connect.ts';
import { type Ended, type RunningDaemon, uncached } from '../uncached.ts';
import { marked } from './marked.ts';
import { enqueuePort, isEvent, start } from './running.ts';
import { client, database, site } from './site-and-database.ts';

/** A transaction that delays settling while it is open, such as pg_dump's. */
let dump: Client;
let daemon: RunningDaemon;

beforeEach(async () => {
  dump = await connect(database.config);
  // Nothing notifies the daemon, and no sweep comes. Its look at the queues after its start may be late.
  daemon = await start({ more: '[daemon]\nsweep = 1h' });
  await marked(site.root, client, daemon);
  await dump.query('BEGIN; SELECT 1');
});
afterEach(() => dump.end());

const drain = (...args: string[]) =>
  uncached(['--config', site.configure(iniFor(site, database.config)), 'drain', ...args]);

/** Starts a drain, and waits until the daemon has cleared the claimed rows. */
async function drainUntilCleared(): Promise<{ ended: Promise<Ended>; isOver: () => boolean }> {
  let over = false;
  const ended = drain();
  ended.finally(() => {
    over = true;
  });
  await daemon.until('clearing', isEvent('cleared', { handler: 'listen_port' }));
  return { ended, isOver: () => over };
}

describe('drain beside a daemon with the same root', () => {
  it('claims for it, and waits until that has settled everything', async () => {
    site.write(['ports/www/a/1']);
    await enqueuePort('www', 'a');
    const { ended, isOver } = await drainUntilCleared();
    expect(site.pages()).toEqual([]);
    // Longer than it takes the drain to ask how far the daemon is.
    await client.query('SELECT pg_sleep(1)');
    expect(isOver()).toBe(false);
    await dump.query('COMMIT');
    expect(await ended).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^claimed (1 entry|0 entries) for the daemon that clears this root\n$/),
      stderr: '',
    });
    expect((await client.query(`SELECT FROM ${unsettled}`)).rowCount).toBe(0);
    expect(daemon.log.filter(({ level }) => level >= 40)).toEqual([]);
  });

  it('does the rest itself when that daemon is gone', async () => {
    site.write(['ports/www/a/1']);
    await enqueuePort('www', 'a');
    const { ended } = await drainUntilCleared();
    await daemon.stop('SIGKILL');
    await dump.query('COMMIT');
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
    expect((await client.query(`SELECT FROM ${unsettled}`)).rowCount).toBe(0);
  });

  it('waits for no other root', async () => {
    await client.query(`INSERT INTO uncached.consumer (id, kind, name, node, place, state, settled_to, cleared_to)
      VALUES ('another', 'files', 'files', 'elsewhere', '/cache', 'live', 0, 0)`);
    await dump.query('COMMIT');
    await enqueuePort('www', 'a');
    expect(await drain()).toMatchObject({ code: 0, stderr: '' });
  });

  it('says what fails there, and that it is a failure', async () => {
    await dump.query('COMMIT');
    site.write(['elsewhere/1']);
    mkdirSync(`${site.root}/ports/www`, { recursive: true });
    symlinkSync('../../elsewhere', `${site.root}/ports/www/linked`);
    await enqueuePort('www', 'linked');
    expect(await drain()).toEqual({
      code: 1,
      stdout: expect.stringMatching(
        /^claimed \d entr\w+ for the daemon that clears this root, 1 row failing\n$/,
      ),
      stderr: '',
    });
  });

  it('gives up after --timeout, and says that the daemon continues', { timeout: 240_000 }, async () => {
    await enqueuePort('www', 'a');
    // So long that a busy machine gets as far as the open transaction.
    const { code, stdout, stderr } = await drain('--timeout', '20s');
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(/^claimed \d entr\w+ for the daemon that clears this root\n$/),
    ]);
    expect(stderr).toMatch(/stopped after --timeout 20s: the daemon .* has not settled them yet/);
    await dump.query('COMMIT');
    await eventually(
      'settled',
      async () => (await client.query(`SELECT FROM ${unsettled}`)).rowCount === 0 || undefined,
      async () => JSON.stringify(daemon.log.slice(-10)),
    );
  });
});
