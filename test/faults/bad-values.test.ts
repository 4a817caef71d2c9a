import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { testDatabase } from '../postgres/test-database.ts';
import { unsettled } from '../postgres/unsettled.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { type RunningDaemon, startUncached } from '../uncached.ts';
import { badDates, badNames, badPaths, oddNames } from './bad-values.ts';
import { eventually } from './eventually.ts';

const database = testDatabase();
let client: Client;
let site: Site;
let daemon: RunningDaemon;

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
  // No index, because an index accepts no key of a megabyte, and queue tables of other projects have none.
  await client.query(`
    ALTER TABLE cache_clearing_ports DROP CONSTRAINT cache_clearing_ports_xid_category_port_key;
    ALTER TABLE cache_clearing_commits DROP CONSTRAINT cache_clearing_commits_xid_commit_to_clear_key;
    ALTER TABLE cache_clearing_files DROP CONSTRAINT cache_clearing_files_xid_pathname_key;`);
  site = makeSite();
});
afterAll(async () => {
  await daemon?.stop();
  await client.end();
  site.remove();
});

/**
 * In each text column, bad values are next to good ones, so that the row is bad because of that value alone.
 */
const bad = [
  ...badNames.flatMap((value) => [
    ['ports (category, port)', [value, 'port']],
    ['ports (category, port)', ['www', value]],
    ['commits (commit_to_clear)', [value]],
  ]),
  ...badPaths.map((value) => ['files (pathname)', [value]]),
  ...badDates.map((value) => ['dates (date_to_clear)', [value]]),
] as [string, (string | null)[]][];

it(`keeps ${bad.length} bad values as failing with an error each, clears the good ones, and rests`, {
  timeout: 300_000,
}, async () => {
  const outside = join(site.root, '../outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'page'), 'outside');
  const neighbours = ['ports/www/abc/page', 'ports/www/x/page', 'ports/b/port/page', 'commits/abc/page'];
  site.write(neighbours);
  site.write(oddNames.map((name) => `ports/www/${name}/page`));
  site.write(oddNames.map((name) => `ports/${name}/good/page`));

  await client.query('BEGIN');
  for (const [into, values] of bad) await enqueue(into, values);
  for (const name of oddNames) {
    await enqueue('ports (category, port)', ['www', name]);
    await enqueue('ports (category, port)', [name, 'good']);
  }
  await client.query('COMMIT');

  daemon = startUncached(site.configure(iniFor(site, database.config, { more: '[daemon]\nlog = warn' })));
  await eventually(
    'cleared but for the bad',
    async () => ((await entriesLeft()) === 0 && (await settlingRows()) === 0 ? true : undefined),
    async () => `${await entriesLeft()} entries, ${await settlingRows()} rows settling`,
    100_000,
    // Seldom: the server counts these transactions too, up to ten seconds later.
    500,
  );

  expect(site.pages()).toEqual([...neighbours].sort());
  expect(readFileSync(join(outside, 'page'), 'utf8')).toBe('outside');
  const { rows } = await client.query<{ last_error: string | null; attempts: number }>(
    'SELECT last_error, attempts FROM uncached.failing',
  );
  expect(rows.length).toBe(distinct(bad));
  for (const { last_error } of rows) expect(last_error).toMatch(/\w+/);
  await expectRest();
  expect(await daemon.stop()).toBe(0);
});

const enqueue = (into: string, values: readonly (string | null)[]) =>
  client.query(
    `INSERT INTO cache_clearing_${into} VALUES (${values.map((_, n) => `$${n + 1}`).join(', ')})`,
    [...values],
  );

async function entriesLeft(): Promise<number> {
  const tables = ['ports', 'dates', 'commits', 'files'].map(
    (name) => `(SELECT count(*)::int FROM cache_clearing_${name})`,
  );
  return (await client.query<{ n: number }>(`SELECT ${tables.join(' + ')} AS n`)).rows[0]?.n ?? 0;
}

async function settlingRows(): Promise<number> {
  const { rows } = await client.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM ${unsettled} WHERE last_error IS NULL`,
  );
  return rows[0]?.n ?? 0;
}

/** The claim merges duplicates. */
function distinct(rows: readonly [string, unknown][]): number {
  return new Set(rows.map((row) => JSON.stringify(row))).size;
}

/**
 * Both bounds are independent of the machine's speed. n tries take waits of 1 + 2 + … = 2^(n-1) - 1 seconds
 * by the server's clock. A daemon that handles only these rows, the heartbeat and the sweep ends a dozen
 * transactions in three seconds. A daemon in a busy loop ends thousands.
 */
async function expectRest(): Promise<void> {
  const before = await transactions();
  await wait(3_000);
  const used = (await transactions()) - before;
  console.log(`transactions in 3 s with ${bad.length} failing rows: ${used}`);
  expect(used).toBeLessThan(100);
  const { rows: hasty } = await client.query(
    'SELECT id, attempts FROM uncached.failing WHERE 2 ^ (attempts - 1) - 1 > extract(epoch FROM clock_timestamp() - claimed_at)',
  );
  expect(hasty).toEqual([]);
}

async function transactions(): Promise<number> {
  const { rows } = await client.query<{ n: number }>(
    'SELECT xact_commit::int AS n FROM pg_stat_database WHERE datname = current_database()',
  );
  return rows[0]?.n ?? 0;
}
