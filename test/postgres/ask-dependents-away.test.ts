import type { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Key } from '../../src/core/contracts.ts';
import { Refusal } from '../../src/core/dependents.ts';
import { openDependents } from '../../src/postgres/ask-dependents.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openAskingPool } from '../../src/postgres/pool.ts';
import { eventually } from '../faults/eventually.ts';
import { connect } from '../sql/connect.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';

const database = testDatabase();
let client: Client;

beforeAll(async () => {
  client = await connect(database.config);
  await client.query(`
    CREATE FUNCTION pages(base text) RETURNS TABLE (page text) LANGUAGE plpgsql STABLE
      AS $$ BEGIN PERFORM pg_sleep(CASE base WHEN 'slow' THEN 60 ELSE 0 END); RETURN; END $$`);
});
afterAll(() => client.end());

/** What the question for these keys fails with, after something else was done. */
async function failureOf(
  keys: readonly Key[],
  { port = database.config.port, meanwhile = async () => {} } = {},
): Promise<Error> {
  const pool = openAskingPool(openHosts([{ ...database.config, port }], patient));
  const expand = { call: { name: 'pages', columns: ['base'] }, queue: undefined, named: ['page'] };
  const asked = openDependents(pool, 'postgres')(expand, keys, 1).catch((thrown) => thrown);
  await meanwhile();
  const error = await asked;
  await pool.end();
  return error;
}

/* No row fails: all of them wait. */

it('rejects with no refusal where the database is away', async () => {
  const error = await failureOf([{ base: 'x' }], { port: 1 });
  expect(error).not.toBeInstanceOf(Refusal);
  expect(error.message).toMatch(/^Cannot ask pages\(base\): /);
});

it('rejects with no refusal where the session ends in the middle', async () => {
  const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event = 'PgSleep'`;
  const error = await failureOf([{ base: 'slow' }], {
    meanwhile: () =>
      eventually(
        'asked',
        async () => (await client.query(end)).rowCount || undefined,
        async () => '',
      ).then(() => {}),
  });
  expect(error).not.toBeInstanceOf(Refusal);
  expect(error.message).toMatch(/^Cannot ask pages\(base\): terminating connection/);
});
