import { describe, expect, it } from 'vitest';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openJournal } from '../../src/postgres/journal.ts';
import { pendingRows, queuedKeys } from '../../src/postgres/pending.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { openQueue } from '../../src/postgres/queue.ts';
import { connect } from '../sql/connect.ts';
import { install } from '../sql/sql-file.ts';
import { claimAll } from './claim.ts';
import { launchServer } from './launch.ts';
import { versions } from './versions.ts';

const tables = {
  ordered: 'CREATE TABLE ordered (id serial PRIMARY KEY, k text, date_added timestamp DEFAULT now())',
  unordered: 'CREATE TABLE unordered (id bigint, k text)',
  partitioned: `CREATE TABLE partitioned (id serial, k text) PARTITION BY LIST (k);
    CREATE TABLE part PARTITION OF partitioned DEFAULT; CREATE INDEX ON partitioned (id)`,
  addresses: 'CREATE TABLE addresses (id serial PRIMARY KEY, k inet)',
};

describe.each(versions())('$title', ({ binaries }) => {
  it.skipIf(binaries === undefined)(
    'claims, fails, takes over and lists as the newest does',
    async () => {
      const server = await launchServer(binaries === undefined ? {} : { binaries });
      const client = await connect(server);
      const pool = openPool(openHosts([{ ...server, application_name: 'uncached me' }]));
      try {
        await install(client);
        for (const [table, sql] of Object.entries(tables)) {
          await client.query(sql);
          await client.query(`INSERT INTO ${table} (k) VALUES ('10.0.0.1'), ('10.0.0.2'), ('10.0.0.3')`);
          const given = { handler: table, queue: table, columns: ['k'], user: 'postgres', owner: 'dead' };
          const waiting = await queuedKeys(pool, table, ['k'], () => ['10.0.0.3']);
          expect(waiting).toMatchObject([{ key: { k: '10.0.0.3' } }]);
          for (const limit of [2, 2_000]) {
            const claims = await claimAll(openQueue(pool, given), limit);
            const keys = claims.flatMap((claim) => claim.keys).sort();
            expect(keys, table).toEqual(limit === 2 ? ['10.0.0.1', '10.0.0.2', '10.0.0.3'] : []);
          }
          await client.query(`INSERT INTO ${table} (k) VALUES ('10.0.0.4')`);
          expect(await claimAll(openQueue(pool, given), 2_000)).toHaveLength(1);
        }
        const journal = openJournal(pool, { owner: 'me', leaseMs: 60_000 });
        const handlers = Object.keys(tables);
        const rows = 4 * handlers.length;
        expect(await journal.takeOver({ handlers, after: 0, upTo: 100 })).toMatchObject({
          taken: rows,
          upTo: 100,
        });
        await journal.fail([{ id: 1, error: 'e' }]);
        await client.query(`UPDATE uncached.journal SET retry_at = 'infinity' WHERE id = 1`);
        expect(await journal.failing({})).toHaveLength(1);
        expect((await journal.retake({ limit: 10, handlers })).rows).toHaveLength(1);
        expect(await pendingRows(pool, handlers, () => true)).toHaveLength(rows);
        expect(await journal.counts()).toHaveLength(handlers.length);
        expect(await journal.drop({})).toBe(1);
      } finally {
        await pool.end();
        await client.end();
        await server.stop();
      }
    },
    240_000,
  );
});
