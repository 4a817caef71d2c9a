import { hostname } from 'node:os';
import { Client, type ClientConfig } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Problem } from '../../src/core/daemon-status.ts';
import { openDaemonTable } from '../../src/postgres/daemon-table.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { logSql } from '../../src/postgres/sql-files.ts';
import { connect } from '../sql/connect.ts';
import { connectionOf } from './connection.ts';
import { testDatabase } from './test-database.ts';

const owner = 'a'.repeat(16);
const problem: Problem = {
  level: 'critical',
  kind: 'handler',
  handler: 'naïve "x"',
  text: "cannot 'claim': \u001b[2J… ☃",
};

describe.each(['UTF8', 'SQL_ASCII', 'WIN1252'])('daemons in a database of %s', (encoding) => {
  const database = testDatabase({ encoding });
  let client: Client;
  let pool: Pool;
  let missing: string[];

  beforeAll(async () => {
    client = await connect(database.config);
    await client.query(logSql());
    pool = openPool(openHosts([connectionOf(database.config)]));
  });
  afterAll(async () => {
    await pool.end();
    await client.end();
  });
  afterEach(() => client.query('DELETE FROM uncached.daemon'));

  const daemons = (of = owner, silentMs = 60_000) => {
    missing = [];
    return openDaemonTable({ pool, owner: of, silentMs, onMissing: (text) => missing.push(text) });
  };

  /** A session with that name, open while `work` runs. */
  async function withSession(name: string, work: () => Promise<void>, user: Partial<ClientConfig> = {}) {
    const session = new Client({ ...database.config, ...user, application_name: name });
    await session.connect();
    await work().finally(() => session.end());
  }

  test('are known by what they report, whatever it says, until they leave', async () => {
    await daemons().report([problem]);
    await withSession(`uncached ${owner}`, async () => {
      expect(await daemons().list()).toEqual({
        daemons: [
          {
            connected: true,
            report: {
              host: hostname(),
              pid: process.pid,
              seenMs: expect.any(Number),
              silent: false,
              replaced: false,
              problems: [problem],
            },
          },
        ],
      });
      await daemons().report([]);
      expect((await daemons().list()).daemons).toMatchObject([{ report: { problems: [] } }]);
    });
    await daemons().leave();
    expect((await daemons().list()).daemons).toEqual([]);
  });

  test('that report no more are silent; without a session they have ended, and the next one to report takes their place', async () => {
    await daemons(owner, 0).report([problem]);
    await withSession(`uncached ${owner} listener`, async () => {
      expect((await daemons().list()).daemons).toMatchObject([{ connected: true, report: { silent: true } }]);
      await daemons('b'.repeat(16)).report([]);
      expect((await daemons().list()).daemons).toHaveLength(2);
    });
    await daemons('b'.repeat(16)).report([]);
    expect((await daemons().list()).daemons).toMatchObject([{ connected: false, report: { problems: [] } }]);
  });

  test('that have not reported are known by the session that listens', async () => {
    await withSession(`uncached ${owner}`, async () => {
      expect((await daemons().list()).daemons).toEqual([]);
    });
    await withSession(`uncached ${owner} listener`, async () => {
      expect((await daemons().list()).daemons).toEqual([{ connected: true, report: undefined }]);
    });
  });

  test('are none for a session of another role that takes their name, and are there for one with rights of theirs', async () => {
    const role = `impostor_${database.name}`;
    await client.query(`CREATE ROLE ${role} LOGIN`);
    try {
      await daemons().report([]);
      const seen = async () => {
        expect((await daemons().list()).daemons).toMatchObject([{ connected: false }]);
      };
      await withSession(`uncached ${owner} listener`, seen, { user: role });
      await withSession(`uncached ${'c'.repeat(16)} listener`, seen, { user: role });
      for (const right of ['INSERT, DELETE ON uncached.log', 'INSERT ON uncached.daemon']) {
        await client.query(`GRANT USAGE ON SCHEMA uncached TO ${role}; GRANT ${right} TO ${role}`);
        const connected = async () => {
          expect((await daemons().list()).daemons).toMatchObject([{ connected: true }]);
        };
        await withSession(`uncached ${owner}`, connected, { user: role });
        await client.query(`REVOKE ALL ON ALL TABLES IN SCHEMA uncached FROM ${role}`);
      }
      const own = openPool(openHosts([connectionOf({ ...database.config, user: role })]));
      const ask = async () => {
        const { list } = openDaemonTable({ pool: own, owner, silentMs: 0, onMissing: () => {} });
        const { daemons, unread = '' } = await list();
        expect(daemons).toEqual([{ connected: true, report: undefined }]);
        const remedy = `GRANT SELECT ON uncached.daemon TO "${role}"`;
        expect(unread).toContain(remedy);
        await client.query(remedy);
        expect((await list()).unread).toBeUndefined();
      };
      await withSession(`uncached ${owner} listener`, ask, { user: role }).finally(() => own.end());
    } finally {
      await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });

  test('continue when the table is missing, which is reported once, or unreadable', async () => {
    await client.query('ALTER TABLE uncached.daemon RENAME TO gone');
    try {
      const one = daemons();
      await one.report([]);
      await one.report([]);
      expect(missing).toEqual([
        expect.stringContaining('"uncached schema --journal-only" into "psql -d DATABASE'),
      ]);
      const { daemons: seen, unread } = await one.list();
      expect(seen).toEqual([]);
      expect(unread).toBe(
        'table uncached.daemon does not exist: pipe "uncached schema --journal-only" into "psql -d DATABASE"',
      );
    } finally {
      await client.query('ALTER TABLE uncached.gone RENAME TO daemon');
    }
  });
});
