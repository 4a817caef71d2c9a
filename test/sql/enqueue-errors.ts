import { type Client, DatabaseError } from 'pg';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { testDatabase } from '../postgres/test-database.ts';
import { connect } from './connect.ts';

/*
 * A table to enqueue from, recreated for each test of a file that imports this. Importing registers its
 * hooks.
 */

const database = testDatabase();
export let client: Client;

beforeAll(async () => {
  client = await connect(database.config);
});
afterAll(() => client.end());

// Removes everything that a test made before the next one starts.
beforeEach(async () => {
  await client.query(`
    DROP SCHEMA IF EXISTS scratch CASCADE;
    CREATE SCHEMA scratch;
    SET search_path = scratch, public;
    CREATE TABLE source (category text, port text, pathname text, seen date, hash text)`);
});

interface Complaint {
  code: string | undefined;
  message: string;
  hint: string | undefined;
}

/** PostgreSQL's error for `sql`, which must fail. */
export async function complaintOf(sql: string): Promise<Complaint> {
  try {
    await client.query(sql);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return { code: error.code, message: error.message, hint: error.hint };
  }
  throw new Error(`Cannot tell the complaint: PostgreSQL has none about ${sql}`);
}

export const insert = `INSERT INTO source VALUES ('www', 'nginx', '/ports/head/MOVED', '2026-11-21', 'b1f9d52c')`;
