import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConsumerLog, Log } from '../../src/core/consumer-contract.ts';
import type { Queue } from '../../src/core/contracts.ts';
import { reportSeen } from '../../src/postgres/consumer-table.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openLog } from '../../src/postgres/log.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { openQueue } from '../../src/postgres/queue.ts';
import { connect } from '../sql/connect.ts';
import { install } from '../sql/sql-file.ts';
import { consumerOf } from './consumer.ts';
import { type Explained, explaining } from './explained.ts';
import { type LaunchedServer, launchServer } from './launch.ts';
import { patient } from './patient.ts';
import { versions } from './versions.ts';

const newest = { title: 'PostgreSQL of this run', binaries: undefined, missing: false };
const older = versions().map(({ title, binaries }) => ({ title, binaries, missing: binaries === undefined }));

/** Half of it is unsettled, and much fails. The daemon must work all the same, and each statement be short. */
const backlog = `
  INSERT INTO uncached.log (handler, key) SELECT CASE WHEN i % 10 = 0 THEN 'other' ELSE 'h' END, jsonb_build_object('slug', i) FROM generate_series(1, 1000000) i;
  INSERT INTO uncached.consumer (id, kind, name, state, settled_to, cleared_to, owner)
  SELECT CASE i WHEN 1 THEN 'root' ELSE 'root' || i END, 'files', 'files', 'live', 500000, 900000, CASE i WHEN 1 THEN 'me' END FROM generate_series(1, 40) i;
  INSERT INTO uncached.failing (consumer, id, handler, key, claimed_at, last_error, retry_at)
  SELECT 'root', id, handler, key, claimed_at, 'e', now() + CASE WHEN id % 100 = 0 THEN interval '0' ELSE interval '30 minutes' END
  FROM uncached.log WHERE id > 480000 AND id <= 520000 AND id % 3 = 0;
  INSERT INTO uncached.failing (consumer, id, handler, key, claimed_at, last_error, cohort)
  SELECT CASE i WHEN 1 THEN 'root' ELSE 'root' || i END, id, handler, key, claimed_at, 'e', id % 40 FROM uncached.log, generate_series(1, 3) i
  WHERE id <= 20000;
  INSERT INTO q (slug) SELECT i FROM generate_series(1, 20000) i`;

describe.each([...older, newest])('with a million rows in the log, $title', ({ binaries, missing }) => {
  let server: LaunchedServer | undefined;
  let client: Client;
  let pool: Pool;
  let explained: Explained[];
  let own: ConsumerLog;
  let log: Log;
  let queue: Queue;
  let spied: Pool;

  beforeAll(async () => {
    if (missing) return;
    server = await launchServer({
      settings: { autovacuum: 'off' },
      ...(binaries !== undefined && { binaries }),
    });
    client = await connect(server);
    await install(client);
    await client.query('CREATE TABLE q (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, slug text)');
    // As the server sees them in ordinary times: there is nothing in them.
    await client.query('VACUUM ANALYZE');
    await client.query(backlog);
    pool = openPool(openHosts([server], patient), { connections: 1 });
    ({ pool: spied, explained } = explaining(pool));
    own = consumerOf(spied, { handlers: ['h', 'other'] });
    log = openLog(spied);
    queue = openQueue(spied, { handler: 'h', queue: 'q', columns: ['slug'], user: 'postgres', owner: 'me' });
  }, 240_000);
  afterAll(async () => {
    await pool?.end();
    await client?.end();
    await server?.stop();
  });

  interface Limits {
    readonly log?: number;
    readonly failing?: number;
    readonly q?: number;
    readonly buffers: number;
    /** What may be read from the beginning to the end. */
    readonly whole?: string;
  }

  /** What the statements of `work` read at most, each of them. */
  async function expectAtMost(limits: Limits, work: () => Promise<unknown>): Promise<void> {
    explained.length = 0;
    await work();
    expect(explained.length).toBeGreaterThan(0);
    for (const { text, rows, buffers, sequential } of explained) {
      const large = sequential.filter(
        (table) => ['log', 'failing', 'q'].includes(table) && table !== limits.whole,
      );
      expect(large, text).toEqual([]);
      const { log = 0, failing = 0, q = 0 } = rows;
      const most = {
        log: limits.log ?? 0,
        failing: limits.failing ?? 0,
        q: limits.q ?? 0,
        buffers: limits.buffers,
      };
      expect({ log, failing, q, buffers }, text).toSatisfy((read: typeof most) =>
        (Object.keys(most) as (keyof typeof most)[]).every((what) => read[what] <= most[what]),
      );
    }
  }

  const ids = (from: number, count = 1_000) => Array.from({ length: count }, (_, at) => from + at);
  const failures = (from: number) => ids(from).map((id) => ({ id, error: 'e' }));
  const upTo = 1_000_000;

  describe.each(['as the server knew the tables when they were empty', 'after ANALYZE'])('%s', (when) => {
    beforeAll(async () => {
      if (when === 'after ANALYZE' && !missing) await client.query('VACUUM ANALYZE');
    });

    it.skipIf(missing)('claims and records without reading the log', async () => {
      let after: string | null = null;
      await expectAtMost({ q: 2_100, buffers: 20_000 }, async () => {
        for (let time = 0; time < 3; time++) ({ last: after } = await queue.claim(1_000, after));
        await log.record('h');
      });
      expect(after).not.toBeNull();
    });

    it.skipIf(missing)('reads a part, and once more to settle it', async () => {
      await expectAtMost({ log: 1_000, buffers: 200 }, async () => {
        await own.read({ after: 500_000, limit: 1_000 });
        await own.read({ after: 0, limit: 1_000 });
        await own.read({ after: upTo - 10, limit: 1_000 });
        await own.read({ after: 600_000, upTo: 600_100, limit: 1_000 });
      });
      await expectAtMost({ log: 5_000, failing: 5_000, buffers: 1_000 }, async () => {
        const { groups } = await own.readAgain({ after: 505_000, upTo, at: 'infinity' });
        expect(groups.reduce((sum, { rows }) => sum + rows.length, 0)).toBeLessThan(5_000);
        await own.readAgain({ after: 999_000, upTo, at: 'infinity' });
      });
      await expectAtMost({ log: 1_000, buffers: 200 }, () => own.snapshot({ after: 899_000, upTo: 900_000 }));
    });

    it.skipIf(missing)(
      'moves its cursors and reports, and reads no more of the log than its newest row',
      async () => {
        await expectAtMost({ log: 2, buffers: 100 }, async () => {
          expect(await own.advance({ from: 500_000, settledTo: 500_000, clearedTo: 900_000 })).toBe(true);
          const seen = [{ id: 'root', clearedTo: 900_000, problem: null }];
          await reportSeen(spied, { owner: 'me', leaseMs: 60_000 }, seen);
          expect(await own.join({ wiping: false })).toMatchObject({ state: 'live' });
          expect(await consumerOf(spied, { id: when }).join({ wiping: false })).toMatchObject({
            state: 'new',
          });
          await log.lastSeen();
        });
        await expectAtMost({ log: 1, failing: 60_000, buffers: 5_000 }, () => log.ends(['root']));
      },
    );

    it.skipIf(missing)('shows a fleet of forty caches by one look at what is unsettled', async () => {
      await expectAtMost({ log: 1_000_000, failing: 100_000, buffers: 60_000 }, async () => {
        const all = await log.consumers();
        expect(all.find(({ id }) => id === 'root2')).toMatchObject({
          unsettled: expect.closeTo(505_000, -4),
          behind: expect.closeTo(105_000, -4),
        });
      });
      await expectAtMost({ log: 1_000_000, failing: 200_000, buffers: 60_000, whole: 'failing' }, () =>
        log.counts(),
      );
      await expectAtMost({ log: 1_000, buffers: 1_000 }, () => log.recentClearings(10));
    });

    it.skipIf(missing)('trims a part at a time', async () => {
      const from = when === 'after ANALYZE' ? 20_000 : 0;
      await client.query(`UPDATE uncached.consumer SET settled_to = $1 WHERE id = 'root40'`, [from + 20_000]);
      await expectAtMost({ log: 20_010, buffers: 25_000 }, () => log.trim({ keepMs: 3_600_000 }));
      expect(explained).toHaveLength(3);
      // The first rows are dead, and still there.
      await expectAtMost({ log: 10_010, buffers: 25_000 }, () => log.trim({ keepMs: 3_600_000 }));
      const { rows } = await client.query('SELECT min(id)::int AS first FROM uncached.log');
      expect(rows).toEqual([{ first: from + 20_001 }]);
    });

    it.skipIf(missing)('takes up, keeps and settles failing rows', async () => {
      await expectAtMost({ log: 1_000, failing: 4_000, buffers: 40_000 }, async () => {
        await own.failing.add(failures(700_000));
        await own.failing.add(failures(500_000));
        await own.failing.keepInvalid(failures(710_000));
        await own.failing.keepInvalid(failures(500_000));
      });
      await expectAtMost({ failing: 2_001, buffers: 20_000 }, async () => {
        expect((await own.failing.due(1_000)).rows.length).toBeGreaterThan(0);
        await own.failing.settleLater(ids(600_000), 7);
        await own.failing.settleLater(ids(700_000), 7);
        await own.failing.settleLater(ids(710_000), 8);
        await own.failing.remove(ids(710_000), [8]);
      });
      await expectAtMost({ failing: 3_000, buffers: 15_000 }, async () => {
        for (const cohort of [1, 2, 3]) await own.failing.settleLater(ids(cohort * 1_000), cohort);
        expect(await own.failing.inCohorts([1, 2, 3], 0)).toHaveLength(1_000);
        expect(await own.failing.inCohorts([7], 50_000)).toHaveLength(1_000);
        expect(await own.failing.inCohorts([99], 0)).toHaveLength(0);
      });
    });

    it.skipIf(missing)('makes failing rows due, lists and drops them, a part at a time', async () => {
      await expectAtMost({ failing: 10_001, buffers: 60_000 }, async () => {
        await own.failing.restart('cohorts');
        await own.failing.restart('all');
      });
      await expectAtMost({ failing: 10_000, buffers: 20_000 }, () =>
        log.failing({ consumer: 'root' }, 5_000),
      );
      await expectAtMost({ failing: 25_000, buffers: 200_000 }, async () => {
        expect(await log.retryNow({ ids: ids(500_000) })).toBeGreaterThan(600);
        expect(await log.retryNow({ consumer: 'root' })).toBeGreaterThan(30_000);
        expect(await log.drop({ consumer: when === 'after ANALYZE' ? 'root3' : 'root2' })).toBe(20_000);
      });
    });
  });
});
