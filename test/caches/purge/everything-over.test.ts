import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { client, start } from '../../cli/running.ts';
import { eventually } from '../../faults/eventually.ts';

const keys = 100_000;

async function ask(): Promise<string> {
  const { rows } = await client.query(
    `SELECT kind, state, cleared_to::int AS cleared, settled_to::int AS settled FROM uncached.consumer ORDER BY kind`,
  );
  return JSON.stringify(rows);
}

const until = (what: string, is: (state: string) => boolean) =>
  eventually(what, async () => is(await ask()) || undefined, ask);

it('a target that was down is emptied once in each round where too much is behind', async () => {
  let isDown = false;
  let requests: string[] = [];
  const server = createServer(({ method, url }, response) => {
    if (isDown) return void response.destroy();
    requests.push(`${method} ${url}`);
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await start({
      handlers: '[handler.listen_port]\nqueue = cache_clearing_ports\nurl[] = /{category}/{port}/\n',
      more: `[purge.varnish]
to = http://127.0.0.1:${(server.address() as AddressInfo).port}
site = https://www.example.org
everything = POST /all
lag = 1s`,
    });
    await until('the first wipe to settle', (state) => state.includes('"kind":"purge","state":"live"'));
    isDown = true;
    requests = [];
    await client.query(
      `INSERT INTO cache_clearing_ports (category, port) SELECT 'www', generate_series(1, ${keys})`,
    );
    await client.query('NOTIFY port_updated');
    await until('the claims', (state) => state.includes(`"kind":"files","state":"live","cleared":${keys}`));
    expect(requests).toEqual([]);
    isDown = false;
    await until('the end', (state) => state.includes(`"cleared":${keys},"settled":${keys}}]`));
    expect(requests).toEqual(['POST /all', 'POST /all']);
    await client.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'one')`);
    await client.query('NOTIFY port_updated');
    await until('the end', (state) => state.endsWith(`"settled":${keys + 1}}]`));
    expect(requests.slice(2)).toEqual(['PURGE /www/one/', 'PURGE /www/one/']);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
