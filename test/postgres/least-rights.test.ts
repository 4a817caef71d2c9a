import type { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { releaseConsumers, reportSeen } from '../../src/postgres/consumer-table.ts';
import { openDaemonTable } from '../../src/postgres/daemon-table.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { inspectMemory, inspectQueue, inspectSchema } from '../../src/postgres/inspections.ts';
import { lastClearing } from '../../src/postgres/last-clearing.ts';
import { openLog } from '../../src/postgres/log.ts';
import { pendingRows } from '../../src/postgres/pending.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { openQueue } from '../../src/postgres/queue.ts';
import { openRoots } from '../../src/postgres/roots.ts';
import { connect } from '../sql/connect.ts';
import { consumerOf } from './consumer.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';

/** A role in no group, as a cautious administrator makes it. */
const user = 'uncached_least';
const database = testDatabase();
let client: Client;
let pool: Pool;

beforeAll(async () => {
  client = await connect(database.config);
  await client.query(`
    DROP ROLE IF EXISTS ${user};
    CREATE ROLE ${user} LOGIN;
    CREATE TABLE q (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, slug text);
    INSERT INTO q (slug) VALUES ('a')`);
  pool = openPool(openHosts([{ ...database.config, user }], patient));
});
afterAll(async () => {
  await pool.end();
  await client.query(`DROP OWNED BY ${user}; DROP ROLE ${user}`);
  await client.end();
});

/** Does what `check` prints until it is content. Returns how often it was not. */
async function followAdvice(): Promise<number> {
  for (let times = 0; ; times++) {
    const problems = [
      ...(await inspectSchema(pool, user, 'uncached schema')),
      ...(await inspectMemory(pool, user, 'uncached schema')),
      ...(await inspectQueue(pool, 'q', ['slug'], user)),
    ];
    if (problems.length === 0) return times;
    expect(times, problems.join('\n')).toBeLessThan(3);
    for (const problem of problems) await client.query(/GRANT .*$/.exec(problem)?.[0] ?? problem);
  }
}

it('may do everything with the rights that "uncached check" asks for', async () => {
  expect(await followAdvice()).toBeGreaterThan(0);

  const given = { handler: 'h', queue: 'q', columns: ['slug'], user, owner: 'me' };
  expect(await openQueue(pool, given).claim(10, null)).toMatchObject({ rows: [{ id: 1 }] });
  const log = openLog(pool);
  expect(await log.record('h')).toMatchObject({ id: 2 });
  const own = consumerOf(pool);
  expect(await own.join({ wiping: false })).toMatchObject({ state: 'new', settledTo: 2 });
  expect(await own.becomeLive(2)).toBe(true);
  expect(await own.read({ after: 0, limit: 10 })).toMatchObject({ upTo: 2 });
  expect(await own.count({ after: 0, upTo: 2, most: 10 })).toBe(2);
  const { at } = await own.snapshot({ after: 0, upTo: 2 });
  expect(await own.readAgain({ after: 0, upTo: 2, at })).toMatchObject({ late: false });
  expect(await own.advance({ from: 2, settledTo: 2, clearedTo: 2 })).toBe(true);
  await own.failing.add([{ id: 1, error: 'e' }]);
  await own.failing.keepInvalid([{ id: 2, error: 'e' }]);
  await own.failing.keepOrphans({ after: 0, upTo: 2 }, ['other']);
  await own.failing.restart('all');
  expect((await own.failing.due(10)).rows).toHaveLength(2);
  await own.failing.settleLater([1, 2], 1);
  expect(await own.failing.inCohorts([1], 0)).toHaveLength(2);
  await own.failing.remove([2], [1]);
  const seen = [{ id: 'root', clearedTo: 2, problem: null }];
  expect(await reportSeen(pool, { owner: 'me', leaseMs: 60_000 }, seen)).toMatchObject({
    lost: [],
    first: 'me',
  });

  expect(await log.counts()).toHaveLength(1);
  expect(await log.consumers()).toHaveLength(1);
  expect(await log.recentClearings(1)).toHaveLength(1);
  expect(await log.failing({})).toHaveLength(1);
  expect(await pendingRows(pool, ['h'], () => true)).toHaveLength(1);
  expect(await lastClearing(pool, 'h', () => true)).toMatchObject({ id: 2 });
  expect(await log.retryNow({})).toBe(1);
  expect(await log.drop({})).toBe(1);
  expect(await log.ends(['root'])).toMatchObject({ newest: 2, settledTo: 2 });
  await log.expire(await log.lastSeen());
  await log.trim({ keepMs: 0 });
  expect(await log.ends(['root'])).toMatchObject({ newest: 0 });
  await releaseConsumers(pool, 'me');
  expect(await log.forget('root')).toBe(true);

  const onMissing = expect.unreachable;
  const roots = openRoots({ pool, queues: ['q'], onMissing });
  await roots.register({ machine: 'm', path: '/', id: 'i', identity: '', mountPoint: '/', places: {} });
  expect(await roots.isCopy({ machine: 'm', path: '/x', id: 'i', identity: '1' })).toBe(true);
  const daemons = openDaemonTable({ pool, owner: 'me', silentMs: 60_000, onMissing });
  await daemons.report([]);
  expect((await daemons.list()).daemons).toHaveLength(1);
  await daemons.leave();
});

it('sees which daemon listens, whatever role that has', async () => {
  await followAdvice();
  await client.query(`
    INSERT INTO uncached.consumer (id, kind, name, state, settled_to, cleared_to, owner)
    VALUES ('1', 'files', 'files', 'live', 0, 0, 'polls'), ('2', 'files', 'files', 'live', 0, 0, 'listens');
    SET application_name = 'uncached listens listener'`);
  const seen = [{ id: '1', clearedTo: 0, problem: null }];
  expect(await reportSeen(pool, { owner: 'polls', leaseMs: 60_000 }, seen)).toMatchObject({
    first: 'listens',
  });
  await client.query('DELETE FROM uncached.consumer; RESET application_name');
});

it('has no more rights in the schema uncached than a member of the group, and no fewer', async () => {
  await followAdvice();
  const rightsOf = async (role: string) => {
    const { rows } = await client.query<{ right: string }>(
      `SELECT relname || ' ' || privilege_type AS right
       FROM pg_class, aclexplode(relacl) AS acl JOIN pg_roles ON pg_roles.oid = acl.grantee
       WHERE relnamespace = 'uncached'::regnamespace AND rolname = $1 ORDER BY 1`,
      [role],
    );
    return rows.map(({ right }) => right);
  };
  const own = await rightsOf(user);
  expect(own).toContain('log_id_seq SELECT');
  expect(own).toEqual(await rightsOf('uncached'));
});
