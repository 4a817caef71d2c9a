import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import { within } from '../postgres/within.ts';
import { uncached } from '../uncached.ts';
import type { Company } from './company.ts';
import { compare } from './compare.ts';
import { families } from './families.ts';
import type { Options } from './options.ts';
import type { Report } from './report.ts';
import type { World } from './world.ts';

/**
 * Everything queued now must be settled within this time plus the settle time. The longest case: a daemon was
 * killed while its claim waited for a producer's lock. The claim was committed after the next daemon had read
 * the journal, which treats it as abandoned after 5 s.
 */
const settledMs = 100_000;

/**
 * Waits until nothing is pending, and checks every guarantee of the protocol. The load's producers and
 * writers are paused.
 */
export async function quietPoint({
  world,
  company,
  options: { settleMs },
  report,
  daemons,
}: {
  world: World;
  company: Company;
  options: Options;
  report: Report;
  /** The number of daemons alive. */
  daemons: number;
}): Promise<void> {
  const begun = performance.now();
  const client = new Client({ ...world.connection, application_name: 'stress quiet' });
  client.on('error', () => {});
  await client.connect();
  try {
    await endPrepared(client);
    if (!(await settled(client, settleMs + settledMs)))
      return report.violation('stuck', [], await whatIsLeft(client));
    report.figures.most('longest settling ms', Math.round(performance.now() - begun));
    report.figures.count('quiet points');
    await compare(client, world, company.killed, report);
    for (const harm of world.canaries.harm()) report.violation('outside', [], harm);
    await assertNoLeak(client, daemons, report);
    await removePoison(client);
    await assertStatus(world, report);
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

const poisoned = `(last_error IS NOT NULL AND 'poison' IN (key->>'category', key->>'port'))`;

/**
 * One statement, so one snapshot: between two statements an entry could move from the queue to the journal
 * unseen.
 */
const left = `
  SELECT (${families.map((family) => `(SELECT count(*) FROM queue_${family})`).join(' + ')}
        + (SELECT count(*) FROM uncached.journal WHERE NOT ${poisoned}))::int AS left`;

/**
 * Whether the count reached zero in time. A changed journal row sends a notification (schema.ts). Queue
 * entries only move to the journal.
 */
async function settled(client: Client, ms: number): Promise<boolean> {
  let told = () => {};
  client.on('notification', () => told());
  await client.query('LISTEN stress_settled');
  const look = async (signal: AbortSignal) => {
    const aborted = once(signal, 'abort');
    while (!signal.aborted) {
      const next = new Promise<void>((resolve) => {
        told = resolve;
      });
      const { rows } = await client.query<{ left: number }>(left);
      if (rows[0]?.left === 0) return true;
      await Promise.race([next, aborted]);
    }
    return false;
  };
  return within(ms, 'settle', look).catch(() => false);
}

async function whatIsLeft(client: Client): Promise<string> {
  const found: string[] = [];
  for (const sql of [
    ...families.map((family) => `SELECT '${family}' AS queue, * FROM queue_${family} LIMIT 50`),
    `SELECT * FROM uncached.journal WHERE NOT ${poisoned} LIMIT 200`,
    'SELECT pid, application_name, state, wait_event, xact_start, left(query, 80) AS query FROM pg_stat_activity',
    'SELECT * FROM pg_prepared_xacts',
  ]) {
    const { rows } = await client.query(sql);
    found.push(...rows.map((row) => JSON.stringify(row)));
  }
  return found.join('\n');
}

/**
 * Entries with invalid keys must stay as failing rows. They are removed by hand at each quiet point, as an
 * operator would.
 */
async function removePoison(client: Client): Promise<void> {
  await client.query(`DELETE FROM uncached.journal WHERE ${poisoned}`);
}

const leakMs = 100_000;

/** The connections of killed daemons must have ended. */
async function assertNoLeak(client: Client, daemons: number, report: Report): Promise<void> {
  const until = performance.now() + leakMs;
  for (;;) {
    const { rows } = await client.query<{ name: string; sessions: number; most: number }>(
      `SELECT regexp_replace(application_name, '^uncached [0-9a-f]+', 'uncached') AS name, count(*)::int AS sessions,
              CASE WHEN application_name ~ '^uncached [0-9a-f]+$' THEN $2::int * $1::int
                   WHEN application_name LIKE 'uncached%' THEN $1::int ELSE 1 END AS most
       FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1, 3`,
      // Four shared connections, one for each queue table and one to count (src/app.ts).
      [daemons, 4 + families.length + 1],
    );
    const leaks = rows.filter(({ sessions, most }) => sessions > most);
    if (leaks.length === 0) return;
    if (performance.now() > until) return report.violation('leaked', [], JSON.stringify(leaks));
    await wait(100);
  }
}

/**
 * Daemons start in a second or two, and report soon after. The session of a killed daemon remains for a
 * moment.
 */
const wellWithinMs = 100_000;

/** `status` must report the same to the operator. */
async function assertStatus({ configuration }: World, report: Report): Promise<void> {
  const until = performance.now() + wellWithinMs;
  for (;;) {
    const { code, stdout } = await uncached(['--config', configuration, 'status', '--json']);
    if (code === 0) return;
    if (performance.now() > until) return report.violation('status', [], stdout);
    await wait(200);
  }
}
