import { randomBytes } from 'node:crypto';
import type { ClientConfig, Pool } from 'pg';
import { listen } from './listener.ts';

/** A notification on the same machine takes a millisecond. */
const patienceMs = 1_500;

/**
 * Whether a notification sent on one connection is heard on another. Through a pooler in transaction or statement mode LISTEN
 * succeeds and nothing ever comes; a probe that sends and listens on one connection passes falsely there.
 */
export async function canHear(pool: Pool, config: ClientConfig): Promise<boolean> {
  const channel = `uncached_probe_${randomBytes(8).toString('hex')}`;
  let heard = () => {};
  const hearing = new Promise<boolean>((resolve) => {
    heard = () => resolve(true);
  });
  const listening = await listen(config, [channel], () => heard());
  const timer = new AbortController();
  const silence = new Promise<boolean>((resolve) => {
    const timeout = setTimeout(() => resolve(false), patienceMs);
    timer.signal.addEventListener('abort', () => clearTimeout(timeout));
  });
  try {
    await pool.query('SELECT pg_notify($1, $2)', [channel, '']);
    return await Promise.race([hearing, silence]);
  } finally {
    timer.abort();
    listening.close();
  }
}
