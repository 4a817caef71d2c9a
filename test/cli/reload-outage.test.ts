import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { FaultProxy } from '../faults/proxy.ts';
import { withClient } from '../postgres/connection.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { iniFor, makeSite } from '../site.ts';
import { startUncached, uncached } from '../uncached.ts';

const database = testDatabase();

it('tries a new configuration again, as it was read, until its database is back', async () => {
  const proxy = await FaultProxy.open(database.config);
  const [site, next] = [makeSite(), makeSite()];
  const ini = (root: typeof site, more = '') => site.configure(iniFor(root, proxy.connection, { more }));
  const file = ini(site);
  const daemon = startUncached(file);
  try {
    await daemon.until('LISTEN', ({ event }) => event === 'listening');
    await proxy.refuse();
    ini(next);
    process.kill(daemon.pid, 'SIGHUP');
    const refused = await daemon.until('refusal', ({ event }) => event === 'reload-refused');
    expect(refused.msg).toMatch(
      /^the new configuration waits for its database, so the old one stays in effect: /,
    );
    expect(refused).toMatchObject({ retryMs: 10_000 });

    // Nobody has asked for this one.
    ini(next, '[nonsense]');
    await proxy.heal();
    const reloading = await daemon.until('reload', ({ event }) => event === 'reloading');
    const from = daemon.log.indexOf(reloading);
    await daemon.until('LISTEN', (line) => line.event === 'listening' && daemon.log.indexOf(line) > from);
    expect(daemon.log.filter(({ event }) => event === 'reload-refused')).toEqual([refused]);
    const page = 'ports/www/a/1';
    next.write([page]);
    await withClient(database.config, (client) =>
      client.query(
        `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a'); NOTIFY port_updated`,
      ),
    );
    await eventually(
      `without ${page}`,
      async () => !existsSync(join(next.root, page)) || undefined,
      async () => JSON.stringify(daemon.log.slice(-10)),
    );
    ini(next);
    const status = async () => (await uncached(['--config', file, 'status'])).stdout;
    await eventually(
      'reported as well',
      async () => !(await status()).includes('new configuration') || undefined,
      status,
    );
  } finally {
    await daemon.stop();
    await proxy.close();
    for (const one of [site, next]) one.remove();
  }
});
