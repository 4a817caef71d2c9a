import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { attach, levels } from './attach.ts';
import { connect } from './connect.ts';

// PostgreSQL makes an index without a lock in steps: nobody writes to it (not ready), all write to it but none reads it
// (not valid), done. It enters a step when the transactions that have written to the table before have ended.

const database = testDatabase();
const open = () => connect(database.config);
type Client = Awaited<ReturnType<typeof open>>;

let client: Client;
let builder: Client;
let first: Client;
let second: Client;

beforeAll(async () => {
  [client, builder, first, second] = await Promise.all([open(), open(), open(), open()]);
});
afterAll(() => Promise.all([client, builder, first, second].map((one) => one.end())));

describe.each(levels)('uncached.enqueue() for each %s, while PostgreSQL makes', (level) => {
  const prepare = async (name: string, like: string) => {
    await client.query(`
      CREATE TABLE ${name} ${like};
      CREATE TABLE ${name}_source (pathname text)`);
    await attach(client, level, `${name}_source`, [name, 'changed', 'pathname']);
  };
  const change = async (name: string, pathname: string) => {
    const insert = `INSERT INTO ${name}_source VALUES ('${pathname}')`;
    await client.query(`BEGIN; ${insert}; ${insert}; COMMIT`).finally(() => client.query('ROLLBACK'));
    const entries = await client.query(`SELECT FROM ${name} WHERE pathname = '${pathname}'`);
    return entries.rowCount;
  };
  const untilNotValid = (name: string, { ready }: { ready: boolean }) =>
    eventually(
      `an index of ${name} that is ${ready ? '' : 'not '}ready`,
      async () => {
        const { rowCount } = await client.query(
          'SELECT FROM pg_index WHERE indrelid = $1::regclass AND indnkeyatts = 2 AND NOT indisvalid AND indisready = $2',
          [name, ready],
        );
        return rowCount === 1 || undefined;
      },
      async () => '',
    );

  test('a copy of its index (REINDEX CONCURRENTLY): enqueues and folds in every step', async () => {
    const name = `reindexed_${level}`;
    await prepare(name, '(LIKE cache_clearing_files INCLUDING ALL)');
    await first.query(`BEGIN; INSERT INTO ${name} (pathname) VALUES ('first')`);
    const done = builder.query(`REINDEX TABLE CONCURRENTLY ${name}`);
    await untilNotValid(name, { ready: false });
    expect(await change(name, 'not ready')).toBe(1);
    await second.query(`BEGIN; INSERT INTO ${name} (pathname) VALUES ('second')`);
    await first.query('COMMIT');
    await untilNotValid(name, { ready: true });
    expect(await change(name, 'ready')).toBe(1);
    await second.query('COMMIT');
    await done;
    expect(await change(name, 'done')).toBe(1);
  });

  test('its first index (CREATE UNIQUE INDEX CONCURRENTLY): refuses while the index refuses what it cannot fold', async () => {
    const name = `indexed_${level}`;
    await prepare(name, '(xid xid8 DEFAULT pg_current_xact_id(), pathname text)');
    await first.query(`BEGIN; INSERT INTO ${name} (pathname) VALUES ('first')`);
    const done = builder.query(`CREATE UNIQUE INDEX CONCURRENTLY ON ${name} (xid, pathname)`);
    await untilNotValid(name, { ready: false });
    expect(await change(name, 'not ready')).toBe(2);
    await client.query(`DELETE FROM ${name}`);
    await second.query(`BEGIN; INSERT INTO ${name} (pathname) VALUES ('second')`);
    await first.query('COMMIT');
    await untilNotValid(name, { ready: true });
    await expect(change(name, 'ready')).rejects.toThrow(
      `Cannot enqueue into public.${name}: public.${name}_xid_pathname_idx is not valid, and cannot fold: CREATE INDEX CONCURRENTLY is not done, or has failed`,
    );
    await second.query('COMMIT');
    await done;
    expect(await change(name, 'done')).toBe(1);
  });
});
