import type { Listened } from '../core/contracts.ts';
import { withAdvice } from './advice.ts';
import { foldIdentifier } from './identifier.ts';
import type { Pool } from './pool.ts';

/** `listen_for`: which handler each channel wakes. */
export async function readChannels(pool: Pool): Promise<Listened[]> {
  try {
    const { rows } = await pool.query<{ name: string; script_name: string }>(
      'SELECT name, script_name FROM listen_for ORDER BY id',
    );
    return rows.map(({ name, script_name }) => ({ channel: foldIdentifier(name), handler: script_name }));
  } catch (error) {
    throw withAdvice('Cannot read the channels from listen_for', error);
  }
}
