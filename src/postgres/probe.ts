import type { ClientConfig } from 'pg';
import { DeafError, listen } from './listener.ts';
import type { Pool } from './pool.ts';

/** Whether a notification sent on one connection is heard on another. */
export async function canHear(pool: Pool, config: ClientConfig): Promise<boolean> {
  const listening = await listen(config, pool, [], () => {});
  try {
    await listening.heartbeat();
    return true;
  } catch (error) {
    if (error instanceof DeafError) return false;
    throw error;
  } finally {
    listening.close();
  }
}
