import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync } from 'node:fs';
import type { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { connectionOf } from '../postgres/connection.ts';
import { unsettled } from '../postgres/unsettled.ts';
import { iniFor } from '../site.ts';
import { connect } from '../sql/connect.ts';
import { main, uncached } from '../uncached.ts';
import { sessionsEnded } from './sessions.ts';
import { client, database, site } from './site-and-database.ts';

/** A transaction that delays settling while it is open, such as pg_dump's. */
let dump: Client;
let file: string;
let running: ChildProcess[];

beforeEach(async () => {
  await sessionsEnded(client);
  running = [];
  file = site.configure(iniFor(site, database.config));
  dump = await connect(database.config);
  await dump.query('BEGIN; SELECT 1');
  await client.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a')`);
  site.write(['ports/www/a/1']);
});
afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  await dump.end();
});

function startDrain(): { child: ChildProcess; code: Promise<number | null> } {
  const child = spawn(process.execPath, [main, '--config', file, 'drain'], {
    stdio: 'ignore',
  });
  running.push(child);
  return { child, code: once(child, 'close').then(([code]) => code as number | null) };
}

/** How many rows are cleared and not settled. */
async function settling(): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM ${unsettled} WHERE id <= (SELECT min(cleared_to) FROM uncached.consumer)`,
  );
  return rows[0]?.count ?? 0;
}

const untilSettling = () =>
  eventually(
    'settling',
    async () => ((await settling()) > 0 ? true : undefined),
    async () => 'nothing settles',
  );

describe('drain', () => {
  it('runs once at a time on a database, and a second one says who is at it', async () => {
    const first = startDrain();
    await untilSettling();
    const second = await uncached(['--config', file, 'drain']);
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(
      /^uncached: a drain of this database is already running \(role \S+, since .* UTC, process \d+ of the server\)/,
    );
    expect(second.stdout).toBe('');
    await dump.query('COMMIT');
    expect(await first.code).toBe(0);
    await sessionsEnded(client);
    expect((await uncached(['--config', file, 'drain'])).code).toBe(0);
  });

  it('is kept from nothing by one that was killed', async () => {
    const first = startDrain();
    await untilSettling();
    first.child.kill('SIGKILL');
    await first.code;
    await dump.query('COMMIT');
    // Until then it holds the lock and the root.
    await sessionsEnded(client);
    expect((await uncached(['--config', file, 'drain'])).code).toBe(0);
    expect(await settling()).toBe(0);
  });

  it('is kept from nothing by a role that could not drain', async () => {
    const role = `m${process.pid}`;
    await client.query(`CREATE ROLE ${role} LOGIN`);
    const mallory = await connect({ ...connectionOf(database.config), user: role });
    try {
      await mallory.query(`SELECT pg_advisory_lock(x'756e6361'::int, 1)`);
      await dump.query('COMMIT');
      expect(await uncached(['--config', file, 'drain'])).toMatchObject({ code: 0, stderr: '' });
    } finally {
      await mallory.end();
      await client.query(`DROP ROLE ${role}`);
    }
  });

  it('gives up after --timeout, says what is left and why, and loses nothing', {
    timeout: 240_000,
  }, async () => {
    // So long that a busy machine gets as far as the open transaction.
    const { code, stdout, stderr } = await uncached(['--config', file, 'drain', '--timeout', '20s']);
    expect(code).toBe(1);
    expect(stdout).toBe('cleared 1 entry, deleted 1 file\n');
    expect(stderr).toMatch(
      /stopped after --timeout 20s: 0 entries are queued, 1 row is cleared once and not settled, 1 of them because of an open transaction/,
    );
    await dump.query('COMMIT');
    await sessionsEnded(client);
    expect((await uncached(['--config', file, 'drain', '--timeout', '100s'])).code).toBe(0);
    expect(await settling()).toBe(0);
  });

  it('ends when root goes in the middle: nobody looks for it later, and nothing is lost', async () => {
    const draining = uncached(['--config', file, 'drain']);
    await untilSettling();
    renameSync(site.root, `${site.root}.away`);
    await dump.query('COMMIT');
    const { code, stderr } = await draining;
    expect(code).toBe(1);
    expect(stderr).toContain('root is missing: mount it or create it');
    expect(stderr).not.toContain('retrying');
    expect((await client.query(`SELECT FROM ${unsettled}`)).rowCount).toBe(1);
  });

  it('takes a time with its unit and nothing else', async () => {
    const { code, stderr } = await uncached(['--config', file, 'drain', '--timeout', '10']);
    expect(code).toBe(2);
    expect(stderr).toContain('--timeout 10: must be a time with its unit');
  });
});
