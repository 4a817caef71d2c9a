import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { logSql } from '../../src/postgres/sql-files.ts';
import { untilBlocked } from '../postgres/blocked.ts';
import { append, consumerOf } from '../postgres/consumer.ts';
import { createDatabase, type Database } from '../postgres/database.ts';
import { type LaunchedServer, launchServer } from '../postgres/launch.ts';
import { patient } from '../postgres/patient.ts';
import { versions } from '../postgres/versions.ts';
import { catalog } from './catalog.ts';
import { connect } from './connect.ts';
import { install, uninstall } from './sql-file.ts';
import { claim01, version01 } from './version-0.1.ts';

const newest = { title: 'PostgreSQL of this run', binaries: undefined, missing: false };
const older = versions().map(({ title, binaries }) => ({ title, binaries, missing: binaries === undefined }));
const refusal = 'this database was prepared for a newer version of uncached: upgrade this daemon';

describe.each([...older, newest])('an installation of version 0.1 on $title', ({ binaries, missing }) => {
  let server: LaunchedServer | undefined;
  let database: Database;
  let client: Client;

  beforeAll(async () => {
    if (!missing) server = await launchServer(binaries === undefined ? {} : { binaries });
  });
  afterAll(() => server?.stop());
  beforeEach(async () => {
    if (server === undefined) return;
    database = await createDatabase(server, { template: 'template0' });
    client = await connect(database.config);
    await client.query(
      `${version01}; CREATE TABLE q (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, slug text)`,
    );
  });
  afterEach(async () => {
    if (server === undefined) return;
    await client.end();
    await database.drop();
  });

  const root = (path: string, id: string, more = `false, now()`) =>
    client.query(
      `INSERT INTO uncached.root (machine, path, id, identity, mount_point, places, queues, owners, wiping, seen_at)
       VALUES ('m', $1, $2, '', '/', '{}', '{}', '{}', ${more})`,
      [path, id],
    );
  const consumers = async () =>
    (
      await client.query(
        `SELECT id, kind, name, place, state, settled_to::int AS settled, cleared_to::int AS cleared, owner,
              clock_timestamp() - seen_at BETWEEN '0' AND '1 minute' AS seen
       FROM uncached.consumer ORDER BY id`,
      )
    ).rows;

  test.skipIf(missing)('gives every row to the log, in their order, whatever becomes of it', async () => {
    const times = {
      enqueued_at: new Date('2026-01-01T00:00:00Z'),
      claimed_at: new Date('2026-01-02T00:00:00Z'),
    };
    // Settled in between: a row with the id 3.
    await client.query(`
      INSERT INTO uncached.journal (handler, key, enqueued_at, claimed_at, cleared_at, last_error, retry_at, attempts, owner) VALUES
        ('claimed', '{"k": "1"}', '2026-01-01+00', '2026-01-02+00', NULL, NULL, NULL, 0, '0f'),
        ('settling', '{"k": "2"}', '2026-01-01+00', '2026-01-02+00', '2026-01-02+00', NULL, NULL, 0, '0f'),
        ('settled', '{}', NULL, now(), NULL, NULL, NULL, 0, '0f'),
        ('failing', '{"k": "4"}', '2026-01-01+00', '2026-01-02+00', NULL, 'EROFS', '2100-01-01+00', 9, 'gone'),
        ('invalid', '{"k": null}', '2026-01-01+00', '2026-01-02+00', '2026-01-02+00', 'NULL', NULL, 1, NULL);
      DELETE FROM uncached.journal WHERE id = 3;
      UPDATE uncached.journal SET cleared_at = now() WHERE id = 2`);
    await client.query(logSql());
    const { rows } = await client.query(
      'SELECT id::int, handler, key, enqueued_at, claimed_at, xid::text FROM uncached.log ORDER BY id',
    );
    expect(rows).toEqual([
      { id: 1, handler: 'claimed', key: { k: '1' }, ...times, xid: '0' },
      { id: 2, handler: 'settling', key: { k: '2' }, ...times, xid: '0' },
      { id: 3, handler: 'failing', key: { k: '4' }, ...times, xid: '0' },
      { id: 4, handler: 'invalid', key: { k: null }, ...times, xid: '0' },
    ]);
    expect((await client.query('TABLE uncached.journal')).rows).toEqual([]);
  });

  test.skipIf(missing)('has roots that have settled nothing of it, and so clear all of it', async () => {
    await root('/cache', 'a');
    await root('/moved/from', 'a', `false, now() - interval '1 day'`);
    await root('/wiping', 'b', 'true, now()');
    // Registered and not used.
    await root('/never', 'c', `false, '-infinity'`);
    await client.query(`INSERT INTO uncached.journal (handler, key) VALUES ('h', '{"slug": "x"}')`);
    await client.query(logSql());
    const follows = { kind: 'files', name: 'files', settled: 0, cleared: 0, owner: null, seen: true };
    expect(await consumers()).toEqual([
      { ...follows, id: 'a', place: '/cache', state: 'live' },
      { ...follows, id: 'b', place: '/wiping', state: 'wiping' },
    ]);

    await client.query('CREATE ROLE listening LOGIN IN ROLE uncached');
    const pool = openPool(openHosts([{ ...database.config, user: 'listening' }], patient));
    try {
      const own = consumerOf(pool, { id: 'a' });
      expect(await own.join({ wiping: false })).toMatchObject({ state: 'live', settledTo: 0 });
      expect(await own.read({ after: 0, limit: 10 })).toMatchObject({
        groups: [{ rows: [{ key: { slug: 'x' } }] }],
        upTo: 1,
      });
      expect(await own.advance({ from: 0, settledTo: 1, clearedTo: 1 })).toBe(true);
      expect(await consumerOf(pool, { id: 'b' }).join({ wiping: false })).toMatchObject({
        state: 'wiping',
        settledTo: 1,
      });
      expect(await consumerOf(pool, { id: 'c' }).join({ wiping: false })).toMatchObject({
        state: 'new',
        settledTo: 1,
      });
    } finally {
      await pool.end();
      await client.query('DROP ROLE listening');
    }
  });

  test.skipIf(missing)(
    'is prepared while a daemon claims: all it claims after that is refused, and stays',
    async () => {
      await client.query(`INSERT INTO q (slug) VALUES ('a'), ('b')`);
      const daemon = await connect(database.config);
      const administrator = await connect(database.config);
      try {
        await daemon.query('BEGIN');
        expect(await claim01(daemon)).toBe(2);
        // Waits for the claim, and must see it then.
        await administrator.query(`SET default_transaction_isolation = 'repeatable read'`);
        const prepared = administrator.query(logSql());
        await untilBlocked(client);
        await client.query(`INSERT INTO q (slug) VALUES ('c')`);
        await daemon.query('COMMIT');
        await prepared;
        const { rows } = await client.query('SELECT key FROM uncached.log ORDER BY id');
        expect(rows.map(({ key }) => key.slug).sort()).toEqual(['a', 'b']);
        await expect(claim01(daemon)).rejects.toThrow(refusal);
        expect((await client.query('SELECT slug FROM q')).rows).toEqual([{ slug: 'c' }]);
        await client.query('TRUNCATE q');
        // So the message comes even where nothing changes.
        await expect(claim01(daemon)).rejects.toThrow(refusal);
        // What it still does with its own rows.
        await daemon.query(
          `UPDATE uncached.journal SET cleared_at = clock_timestamp() WHERE id = ANY ('{1,2}') AND owner = '0f'`,
        );
        await daemon.query(`DELETE FROM uncached.journal WHERE id = ANY ('{1,2}') AND owner = '0f'`);
        expect((await client.query('TABLE uncached.log')).rowCount).toBe(2);
      } finally {
        await administrator.end();
        await daemon.end();
      }
    },
  );

  test.skipIf(missing)(
    'is prepared once: again changes nothing, and neither does what it was installed with',
    async () => {
      await root('/cache', 'a');
      await client.query(`INSERT INTO uncached.journal (handler, key) VALUES ('h', '{}')`);
      await install(client);
      await append(client, 1);
      await client.query(`UPDATE uncached.consumer SET settled_to = 2, state = 'expired'`);
      const state = async () => [
        await catalog(client),
        await consumers(),
        (await client.query('TABLE uncached.log')).rows,
      ];
      const before = await state();
      await install(client);
      await client.query(logSql());
      expect(await state()).toEqual(before);
      await expect(client.query(version01)).rejects.toThrow(
        'column "owners" of relation "uncached.root" does not exist',
      );
      await client.query('ROLLBACK');
      expect(await state()).toEqual(before);
    },
  );

  test.skipIf(missing)('that was half undone by hand is prepared again', async () => {
    await client.query(logSql());
    await client.query(`
      DROP TRIGGER replaced ON uncached.journal;
      INSERT INTO uncached.journal (handler, key) VALUES ('h', '{}')`);
    await client.query(logSql());
    expect((await client.query('TABLE uncached.log')).rowCount).toBe(1);
    await expect(claim01(client)).rejects.toThrow(refusal);
  });

  test.skipIf(missing)('that is older than its table of roots begins with a wipe', async () => {
    await client.query(
      `DROP TABLE uncached.root; INSERT INTO uncached.journal (handler, key) VALUES ('h', '{}')`,
    );
    await client.query(logSql());
    expect(await consumers()).toEqual([]);
    const pool = openPool(openHosts([database.config], patient));
    try {
      expect(await consumerOf(pool).join({ wiping: false })).toMatchObject({ state: 'new', settledTo: 1 });
    } finally {
      await pool.end();
    }
  });

  test.skipIf(missing)('leaves nothing behind when it is uninstalled', async () => {
    await install(client);
    await uninstall(client);
    expect((await catalog(client)).filter((line) => line.includes('uncached'))).toEqual([]);
  });
});
