import { describe, expect, it } from 'vitest';
import type { LogPart } from '../../src/core/consumer-contract.ts';
import { reportSeen } from '../../src/postgres/consumer-table.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { lastClearing } from '../../src/postgres/last-clearing.ts';
import { openLog } from '../../src/postgres/log.ts';
import { pendingRows, queuedKeys } from '../../src/postgres/pending.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { openQueue } from '../../src/postgres/queue.ts';
import { connect } from '../sql/connect.ts';
import { install } from '../sql/sql-file.ts';
import { claimAll } from './claim.ts';
import { consumerOf } from './consumer.ts';
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
    'claims, reads, fails, settles, expires, trims and lists as the newest does',
    async () => {
      const server = await launchServer(binaries === undefined ? {} : { binaries });
      const client = await connect(server);
      const pool = openPool(openHosts([{ ...server, application_name: 'uncached me' }]));
      try {
        await install(client);
        for (const [table, sql] of Object.entries(tables)) {
          await client.query(sql);
          await client.query(`INSERT INTO ${table} (k) VALUES ('10.0.0.1'), ('10.0.0.2'), ('10.0.0.3')`);
          const given = { handler: table, queue: table, columns: ['k'], user: 'postgres', owner: 'me' };
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
        const handlers = Object.keys(tables);
        const own = consumerOf(pool, { handlers });
        const log = openLog(pool);
        const upTo = 4 * handlers.length;
        expect(await own.join({ wiping: false })).toEqual({ state: 'new', settledTo: upTo, clearedTo: upTo });
        expect(await own.becomeLive(upTo)).toBe(true);
        await client.query('UPDATE uncached.consumer SET settled_to = 0, cleared_to = 0');
        const rowsOf = ({ groups }: LogPart) => groups.flatMap(({ rows }) => [...rows]);
        expect(rowsOf(await own.read({ after: 0, limit: 100 }))).toHaveLength(upTo);
        const { at } = await own.snapshot({ after: 0, upTo });
        await own.failing.add([{ id: 1, error: 'e' }]);
        await own.failing.keepInvalid([{ id: 2, error: 'e' }]);
        expect(await own.readAgain({ after: 0, upTo, at })).toMatchObject({ late: false, upTo });
        expect(rowsOf(await own.readAgain({ after: 0, upTo, at }))).toHaveLength(upTo - 2);
        expect(await pendingRows(pool, handlers, () => true)).toHaveLength(upTo);
        expect(await log.counts()).toHaveLength(handlers.length);
        await client.query(`UPDATE uncached.failing SET retry_at = 'infinity' WHERE id = 1`);
        expect(await log.failing({})).toHaveLength(2);
        expect((await own.failing.due(10)).rows).toHaveLength(1);
        await own.failing.settleLater([1], 1);
        expect(await own.failing.inCohorts([1], 0)).toHaveLength(1);
        await own.failing.restart('cohorts');
        await own.failing.restart('all');
        expect((await own.failing.due(10)).rows).toHaveLength(2);
        expect(await log.drop({})).toBe(2);
        expect(await own.advance({ from: 0, settledTo: upTo, clearedTo: upTo })).toBe(true);
        const seen = [{ id: 'root', clearedTo: upTo, problem: null }];
        expect(await reportSeen(pool, { owner: 'me', leaseMs: 1_000 }, seen)).toEqual({
          lost: [],
          first: 'me',
        });
        expect(await log.consumers()).toMatchObject([{ id: 'root', unsettled: 0, failing: 0 }]);
        expect(await lastClearing(pool, 'ordered', () => true)).toMatchObject({
          consumers: [{ settled: true }],
        });
        expect(await log.record('none')).toMatchObject({ id: upTo + 1 });
        const recent = await log.recentClearings(100);
        expect(new Set(recent.map(({ handler }) => handler))).toEqual(new Set(handlers));
        await log.expire(await log.lastSeen());
        await log.trim({ keepMs: 0 });
        expect(await log.ends(['root'])).toMatchObject({ newest: 0 });
        expect(await log.forget('root')).toBe(true);
      } finally {
        await pool.end();
        await client.end();
        await server.stop();
      }
    },
    240_000,
  );
});
