import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { barrierSql } from '../../src/postgres/sql-files.ts';
import { withClient } from '../postgres/connection.ts';
import { launchServer } from '../postgres/launch.ts';
import { install } from '../sql/sql-file.ts';

it('is refused on a standby, whose snapshots do not show which transactions are open', async () => {
  const server = await launchServer();
  try {
    await withClient(server, async (client) => {
      await install(client);
      await client.query(barrierSql([{ handler: 'listen_port', queue: 'public.cache_clearing_ports' }]));
    });
    // Without a primary, it waits for one and may be read.
    writeFileSync(join(server.host, 'data/standby.signal'), '');
    await server.restart();
    await withClient(server, async (client) => {
      expect((await client.query('SELECT pg_is_in_recovery() AS yes')).rows).toEqual([{ yes: true }]);
      for (const question of [`uncached.horizon()`, `uncached.is_cleared('3')`])
        await expect(client.query(`SELECT ${question}`)).rejects.toThrow('this server is a standby');
    });
  } finally {
    await server.stop();
  }
});
