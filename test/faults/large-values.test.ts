import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { testDatabase } from '../postgres/test-database.ts';
import { forgetClearings, unsettled } from '../postgres/unsettled.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { startUncached, uncached } from '../uncached.ts';
import { eventually } from './eventually.ts';

/** Large values end neither the daemon nor its next run. */
const database = testDatabase();
let client: Client;
let site: Site;

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
  // No index, because an index accepts no key of a megabyte, and queue tables of other projects have none.
  await client.query(
    'ALTER TABLE cache_clearing_ports DROP CONSTRAINT cache_clearing_ports_xid_category_port_key',
  );
});
afterAll(() => client.end());
beforeEach(async () => {
  await client.query('TRUNCATE cache_clearing_ports');
  await forgetClearings(client);
  site = makeSite();
  // A new root does not get the rows that are already in the log.
  const daemon = startUncached(site.configure(iniFor(site, database.config)));
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
  expect(await daemon.stop()).toBe(0);
  return () => site.remove();
});

/**
 * How many entries are neither claimed nor settled, and how many rows are kept because no page can
 * have their key.
 */
async function counted(): Promise<{ open: number; kept: number }> {
  const { rows } = await client.query<{ open: number; kept: number }>(
    `SELECT (SELECT count(*)::int FROM cache_clearing_ports) + count(*) FILTER (WHERE last_error IS NULL)::int AS open,
            count(*) FILTER (WHERE last_error IS NOT NULL)::int AS kept
     FROM ${unsettled}`,
  );
  return rows[0] ?? { open: -1, kept: -1 };
}

/** With this heap, a tenth of a single value would be too much. */
const small = { NODE_OPTIONS: '--max-old-space-size=64' };

it.each([
  {
    where: 'in a queue table',
    sql: `INSERT INTO cache_clearing_ports (category, port) SELECT 'www', repeat('x', 150 * 1024 * 1024);
          INSERT INTO cache_clearing_ports (category, port) SELECT 'www', i || repeat('x', 10 * 1024 * 1024) FROM generate_series(1, 12) i`,
    problem: /column port is 150 MB: no page can have this key/,
    rows: 13,
  },
  {
    where: 'in the log',
    sql: `INSERT INTO uncached.log (handler, key)
          SELECT 'listen_port', jsonb_build_object('category', 'www', 'port', i || repeat('x', 40 * 1024 * 1024)) FROM generate_series(1, 4) i`,
    problem: /column category is in a key of \d+ bytes: no page can have this key/,
    rows: 4,
  },
])(
  'a daemon of 64 MB clears what lies beside values of 150 MB $where',
  async ({ sql, problem, rows }) => {
    await client.query(sql);
    for (const name of ['first', 'second']) {
      site.write([`ports/www/${name}/page`]);
      const daemon = startUncached(site.configure(iniFor(site, database.config)), small);
      await client.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ('www', $1)`, [name]);
      await client.query('NOTIFY port_updated');
      // The order in which they are claimed and settled is not guaranteed.
      await eventually(
        'all settled or kept',
        async () => {
          const { open, kept } = await counted();
          return (open === 0 && kept === rows) || undefined;
        },
        async () => JSON.stringify(daemon.log.slice(-10)),
      );
      expect(site.pages()).toEqual([]);
      expect(await daemon.stop()).toBe(0);
    }
    const { rows: failing } = await client.query<{ last_error: string; bytes: number }>(
      'SELECT last_error, octet_length(key::text) AS bytes FROM uncached.failing',
    );
    expect(failing).toHaveLength(rows);
    expect(failing.map(({ last_error }) => last_error).join('\n')).toMatch(problem);
    const listed = await uncached(
      ['--config', site.configure(iniFor(site, database.config)), 'failing', 'list'],
      small,
    );
    expect(listed.code).toBe(0);
    expect(listed.stdout).toMatch(problem);
    expect(listed.stdout.length).toBeLessThan(rows * 1_000);
  },
  300_000,
);
