import type { World } from './world.ts';

/** Bytes that the server has written to its write-ahead log so far. */
export async function walBytes({ client }: World): Promise<number> {
  const { rows } = await client.query<{ bytes: number }>(
    `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS bytes`,
  );
  return rows[0]?.bytes ?? Number.NaN;
}
