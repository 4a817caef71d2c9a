import { databaseLimit, roleLimit } from './capacity-advice.ts';
import { connectionsHeld } from './connection-count.ts';
import type { Pool } from './pool.ts';

/** Limits below what a daemon with so many queue tables holds. No limit counts for a superuser. */
export async function limitProblems(
  pool: Pool,
  { queues, expands }: { queues: number; expands: boolean },
): Promise<string[]> {
  const needed = connectionsHeld(queues, { expands });
  const { rows } = await pool.query<{ user: string; database: string; ofRole: number; ofDatabase: number }>(
    `SELECT rolname AS user, datname AS database, rolconnlimit AS "ofRole", datconnlimit AS "ofDatabase"
     FROM pg_roles, pg_database WHERE rolname = current_user AND NOT rolsuper AND datname = current_database()`,
  );
  const tooLow = (limit: number) => limit >= 0 && limit < needed;
  const why = (limit: number) =>
    `has a CONNECTION LIMIT of ${limit}, and a daemon with this configuration holds up to ${needed} connections`;
  return rows.flatMap(({ user, database, ofRole, ofDatabase }) => [
    ...(tooLow(ofRole) ? [`role ${user} ${why(ofRole)}: ${roleLimit(user)}`] : []),
    ...(tooLow(ofDatabase) ? [`database ${database} ${why(ofDatabase)}: ${databaseLimit(database)}`] : []),
  ]);
}
