import type { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readChannels } from '../../src/postgres/channels.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { listen } from '../../src/postgres/listener.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { eventually } from '../faults/eventually.ts';
import { connect } from '../sql/connect.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';

const database = testDatabase();
const role = `uncached_session_${process.pid}`;
const config = () => ({ ...database.config, user: role, application_name: role });
let client: Client;
let pool: Pool;

/**
 * Settings that an administrator may have made for other programs. They hold from the login until ours have
 * replaced them, so each time-out must be longer than that takes on a busy machine.
 */
const hostile: Readonly<Record<string, string>> = {
  default_transaction_read_only: 'on',
  default_transaction_isolation: 'serializable',
  default_transaction_deferrable: 'on',
  row_security: 'on',
  standard_conforming_strings: 'off',
  idle_session_timeout: '3s',
  idle_in_transaction_session_timeout: '3s',
  statement_timeout: '3s',
  lock_timeout: '10ms',
  DateStyle: 'SQL, DMY',
  bytea_output: 'escape',
  quote_all_identifiers: 'on',
};

beforeAll(async () => {
  client = await connect(database.config);
  await client.query(`
    CREATE ROLE ${role} LOGIN;
    GRANT SELECT, INSERT, UPDATE, DELETE ON uncached.consumer TO ${role};
    GRANT USAGE ON SCHEMA uncached TO ${role}`);
  for (const [name, value] of Object.entries(hostile))
    await client.query(`ALTER ROLE ${role} SET ${name} = '${value}'`);
  // Exists since PostgreSQL 17.
  const { rowCount } = await client.query(`SELECT FROM pg_settings WHERE name = 'transaction_timeout'`);
  if (rowCount) await client.query(`ALTER ROLE ${role} SET transaction_timeout = '3s'`);
  pool = openPool(openHosts([config()]));
});
afterAll(async () => {
  await pool.end();
  await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await client.end();
});

test('a working session has the settings that it needs, whatever the role has', async () => {
  const { rows } = await pool.query(
    `SELECT name, setting FROM pg_settings WHERE name = ANY ($1) ORDER BY name`,
    [Object.keys(hostile)],
  );
  expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
    ...hostile,
    DateStyle: 'ISO, YMD',
    default_transaction_deferrable: 'off',
    default_transaction_isolation: 'read committed',
    default_transaction_read_only: 'off',
    idle_in_transaction_session_timeout: '0',
    idle_session_timeout: '0',
    lock_timeout: '5000',
    quote_all_identifiers: 'off',
    row_security: 'off',
    standard_conforming_strings: 'on',
    statement_timeout: '8000',
  });
});

test('writes where that is not the default, and for longer than other programs may', async () => {
  await pool.query('DELETE FROM uncached.consumer');
  await pool.query('SELECT pg_sleep(4)');
});

test('a listening session outlives idle_session_timeout', async () => {
  const listening = await listen(openHosts([config()], patient), pool, ['port_updated'], () => {});
  try {
    const idle = async () => {
      const { rows } = await client.query(
        `SELECT FROM pg_stat_activity WHERE application_name = $1 AND state_change < clock_timestamp() - interval '4 seconds'`,
        [`${role} listener`],
      );
      return rows.length > 0 || undefined;
    };
    const lost = listening.lost.then((error) => {
      throw error;
    });
    await Promise.race([lost, eventually('idle for 4 seconds', idle, async () => 'it is not idle')]);
    await listening.heartbeat();
  } finally {
    listening.close();
  }
});

test('settings that a pooler loses are a pooler in words', async () => {
  const other = openPool(openHosts([config()]));
  try {
    await other.query(`SELECT set_config('uncached.search_path', '', false)`);
    await expect(readChannels(other)).rejects.toThrow('this is a pooler in transaction or statement mode');
  } finally {
    await other.end();
  }
});

test('settings that a pooler loses for one statement are a pooler in words too, not a table that is missing', async () => {
  const other = openPool(openHosts([config()]));
  const remember = (path: string) =>
    other.query(`SELECT set_config('uncached.search_path', $1, false)`, [path]);
  const query = async (...statement: Parameters<Pool['query']>) => {
    const result = await other.query(...statement);
    await remember('{public}');
    return result;
  };
  try {
    await remember('');
    await expect(readChannels(Object.assign(Object.create(other), { query }))).rejects.toThrow(
      'this is a pooler in transaction or statement mode',
    );
  } finally {
    await other.end();
  }
});

test('rows that a policy hides are an error with advice, not an empty table', async () => {
  await client.query(`
    CREATE TABLE hidden (id int);
    ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
    GRANT SELECT ON hidden TO ${role}`);
  await expect(pool.query('SELECT FROM public.hidden')).rejects.toThrow('row-level security');
});
