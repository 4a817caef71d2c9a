import { shellWord } from '../core/shell.ts';
import type { Pool } from './pool.ts';

/**
 * What to do where one of our tables is missing. Without a database name psql would use another one.
 * `command` prints the SQL.
 */
export async function installHint(pool: Pool, command = 'uncached schema'): Promise<string> {
  const { rows } = await pool.query<{ database: string }>('SELECT current_database() AS database');
  return `install it: ${command} | psql -d ${shellWord(rows[0]?.database ?? '')}`;
}
