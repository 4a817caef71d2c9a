import { type Client, DatabaseError } from 'pg';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { testDatabase } from '../postgres/test-database.ts';
import { connect } from './connect.ts';

/* A table to enqueue from, new for each test of a file that imports it: its hooks are here. */

const database = testDatabase();
export let client: Client;

beforeAll(async () => {
  client = await connect(database.config);
});
afterAll(() => client.end());

// Whatever a test makes is gone before the next one.
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

/** What PostgreSQL answers to `sql`, which must fail. */
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
