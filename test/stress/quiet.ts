import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import { connectionsHeld } from '../../src/postgres/connection-count.ts';
import { unsettled } from '../postgres/unsettled.ts';
import { within } from '../postgres/within.ts';
import { uncached } from '../uncached.ts';
import type { Company } from './company.ts';
import { compare } from './compare.ts';
import { families } from './families.ts';
import type { Node } from './node.ts';
import type { Options } from './options.ts';
import type { Report } from './report.ts';
import type { World } from './world.ts';

/**
 * Everything queued now must be settled within this time plus the settle time, by every node. The longest case: a
 * node comes back from a long absence, and is wiped. A root that was replaced has left a consumer that must expire.
 */
const usualPatienceMs = 100_000;

/**
 * Waits until nothing is pending, and checks every guarantee of the protocol. The load's producers and
 * writers are paused.
 */
export async function quietPoint({
  world,
  company,
  options: { settleMs, patienceMs = usualPatienceMs },
  report,
  daemons,
  sessions = connectionsHeld(families.length),
  alsoCheck = async () => {},
}: {
  world: World;
  company: Company;
  options: Options;
  report: Report;
  /** The number of daemons alive. */
  daemons: number;
  /** The most that a daemon may have. */
  sessions?: number;
  /** What else must hold, before the logs are forgotten. */
  alsoCheck?: (client: Client) => Promise<void>;
}): Promise<void> {
  const begun = performance.now();
  const client = new Client({ ...world.connection, application_name: 'stress quiet' });
  client.on('error', () => {});
  await client.connect();
  try {
    await endPrepared(client);
    if (!(await settled(client, world, settleMs + patienceMs)))
      return report.violation('stuck', [], await whatIsLeft(client, world));
    report.figures.most('longest settling ms', Math.round(performance.now() - begun));
    report.figures.count('quiet points');
    await compare(client, world, company.killed, report);
    for (const node of world.nodes) lookAround(node, report);
    await assertNoLeak(client, { daemons, sessions, patienceMs }, report);
    await cleanUp(client);
    await assertTrimmed(client, patienceMs, report);
    await assertStatus(world, patienceMs, report);
    await alsoCheck(client);
    if (report.violations.length === 0) await world.forget(client);
  } finally {
    await client.end();
  }
}

/** Prepared transactions of producers that died. Their outcome is undefined, so chance decides. */
async function endPrepared(client: Client): Promise<void> {
  const { rows } = await client.query<{ gid: string }>('SELECT gid FROM pg_prepared_xacts ORDER BY gid');
  for (const { gid } of rows)
    await client.query(`${gid.charCodeAt(gid.length - 1) % 2 ? 'COMMIT' : 'ROLLBACK'} PREPARED '${gid}'`);
}

const poisoned = `(invalid AND 'poison' IN (key->>'category', key->>'port'))`;

/**
 * One statement, so one snapshot: between two statements an entry could move from the queue to the log unseen.
 * Every node follows as the root that is there now. No other consumer holds up anybody.
 */
const left = `
  SELECT (${families.map((family) => `(SELECT count(*) FROM queue_${family})`).join(' + ')}
        + (SELECT count(*) FROM ${unsettled} WHERE NOT ${poisoned})
        + (SELECT count(*) FROM unnest($1::text[], $2::text[]) AS node (id, place)
           WHERE NOT EXISTS (SELECT FROM uncached.consumer AS one WHERE (one.id, one.place, one.state) = (node.id, node.place, 'live')))
        + (SELECT count(*) FROM uncached.consumer WHERE kind = 'files' AND state <> 'expired' AND id <> ALL ($1)))::int AS left`;

const rootsOf = ({ nodes }: World) => [nodes.map((node) => node.id() ?? ''), nodes.map(({ root }) => root)];

/**
 * Whether the count reached zero in time. A change of a consumer or of a failing row sends a notification
 * (schema.ts), and each heartbeat changes its consumer. Queue entries only move to the log.
 */
async function settled(client: Client, world: World, ms: number): Promise<boolean> {
  let told = () => {};
  client.on('notification', () => told());
  await client.query('LISTEN stress_settled');
  const look = async (signal: AbortSignal) => {
    const aborted = once(signal, 'abort');
    while (!signal.aborted) {
      const next = new Promise<void>((resolve) => {
        told = resolve;
      });
      const { rows } = await client.query<{ left: number }>(left, rootsOf(world));
      if (rows[0]?.left === 0) return true;
      await Promise.race([next, aborted]);
    }
    return false;
  };
  return within(ms, 'settle', look).catch(() => false);
}

async function whatIsLeft(client: Client, world: World): Promise<string> {
  const found = [JSON.stringify(rootsOf(world))];
  for (const sql of [
    ...families.map((family) => `SELECT '${family}' AS queue, * FROM queue_${family} LIMIT 50`),
    `SELECT * FROM ${unsettled} WHERE NOT ${poisoned} LIMIT 200`,
    'SELECT * FROM uncached.consumer',
    'SELECT * FROM uncached.root',
    'SELECT pid, application_name, state, wait_event, xact_start, left(query, 80) AS query FROM pg_stat_activity',
    'SELECT * FROM pg_prepared_xacts',
  ]) {
    const { rows } = await client.query(sql);
    found.push(...rows.map((row) => JSON.stringify(row)));
  }
  return found.join('\n');
}

/** What must be the same in every root, and how often it was wiped. */
function lookAround({ name, canaries, wipes }: Node, report: Report): void {
  const wiped = Object.entries(wipes());
  for (const [reason, times] of wiped) report.figures.count(`wipes, ${reason}`, times);
  for (const harm of canaries.harm(wiped.length > 0)) report.violation('outside', [], `${name}: ${harm}`);
}

/**
 * Entries with invalid keys must stay as failing rows, and the consumers of former roots as expired. They are
 * removed by hand at each quiet point, as an operator would.
 */
async function cleanUp(client: Client): Promise<void> {
  await client.query(`DELETE FROM uncached.failing WHERE ${poisoned}`);
  await client.query(`
    WITH former AS (DELETE FROM uncached.consumer WHERE state = 'expired' RETURNING id)
    DELETE FROM uncached.failing USING former WHERE consumer = former.id`);
}

/** Nothing is kept that nobody needs: a sweep is a second away. */
async function assertTrimmed(client: Client, patienceMs: number, report: Report): Promise<void> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const { rows } = await client.query<{ log: number; failing: number }>(
      `SELECT (SELECT count(*)::int FROM uncached.log) AS log, (SELECT count(*)::int FROM uncached.failing) AS failing`,
    );
    const [found] = rows;
    if (found?.log === 0 && found.failing === 0) return;
    if (performance.now() > until) return report.violation('leaked', [], JSON.stringify(found));
    await wait(100);
  }
}

/** The connections of killed daemons must have ended. */
async function assertNoLeak(
  client: Client,
  { daemons, sessions, patienceMs }: { daemons: number; sessions: number; patienceMs: number },
  report: Report,
): Promise<void> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const { rows } = await client.query<{ name: string; sessions: number; most: number }>(
      `SELECT regexp_replace(application_name, '^uncached [0-9a-f]+', 'uncached') AS name, count(*)::int AS sessions,
              CASE WHEN application_name ~ '^uncached [0-9a-f]+$' THEN $2::int * $1::int
                   WHEN application_name LIKE 'uncached%' THEN $1::int ELSE 1 END AS most
       FROM pg_stat_activity WHERE datname = current_database() AND application_name <> 'site' GROUP BY 1, 3`,
      // The listener has a name of its own.
      [daemons, sessions - 1],
    );
    const leaks = rows.filter(({ sessions, most }) => sessions > most);
    if (leaks.length === 0) return;
    if (performance.now() > until) return report.violation('leaked', [], JSON.stringify(leaks));
    await wait(100);
  }
}

/**
 * `status` must report the same to the operator, in time: daemons start in a second or two, and report soon after, and
 * the session of a killed daemon remains for a moment.
 */
async function assertStatus({ nodes }: World, patienceMs: number, report: Report): Promise<void> {
  const until = performance.now() + patienceMs;
  for (const node of nodes) await assertStatusOf(node, until, report);
}

async function assertStatusOf(
  { configuration, program }: Node,
  until: number,
  report: Report,
): Promise<void> {
  for (;;) {
    const { code, stdout } = await uncached(['--config', configuration, 'status', '--json'], {}, { program });
    if (code === 0) return;
    if (performance.now() > until) return report.violation('status', [], stdout);
    await wait(200);
  }
}
