import { expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { withClient } from '../postgres/connection.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { iniFor, makeSite } from '../site.ts';
import { startUncached, uncached } from '../uncached.ts';

const database = testDatabase();

it('a claim that fails while a reload ends it is no problem of the new configuration', async () => {
  const site = makeSite();
  const file = site.configure(iniFor(site, database.config));
  const daemon = startUncached(file);
  try {
    await daemon.until('LISTEN', ({ event }) => event === 'listening');
    const reloading = await withClient(database.config, async (locker) => {
      await locker.query('BEGIN; LOCK TABLE cache_clearing_ports IN ACCESS EXCLUSIVE MODE');
      await withClient(database.config, async (client) => {
        await client.query('NOTIFY port_updated');
        await eventually(
          'waiting for the lock',
          async () => {
            const { rowCount } = await client.query(
              `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
            );
            return rowCount === 1 || undefined;
          },
          async () => '',
        );
      });
      process.kill(daemon.pid, 'SIGHUP');
      const begun = await daemon.until('reload', ({ event }) => event === 'reloading');
      const failed = await daemon.until(
        'failed claim',
        ({ event, retryMs }) => event === 'loop-failed' && retryMs === undefined,
      );
      expect(failed.msg).toMatch(
        /lock timeout.*it ends here; nothing is lost, and it goes on after the reload/,
      );
      await locker.query('ROLLBACK');
      return begun;
    });
    const from = daemon.log.indexOf(reloading);
    await daemon.until('LISTEN', (line) => line.event === 'listening' && daemon.log.indexOf(line) > from);
    await eventually(
      'well',
      async () => (await uncached(['--config', file, 'status'])).code === 0 || undefined,
      async () => (await uncached(['--config', file, 'status'])).stdout,
      20_000,
      500,
    );
  } finally {
    await daemon.stop();
    site.remove();
  }
});
