import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { client, site, start } from '../../cli/running.ts';
import { eventually } from '../../faults/eventually.ts';

const ports = Array.from({ length: 2_500 }, (_, nth) => `port-${nth}`);

it('a target that never answers holds up no file, in neither round, and not the end', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    site.write(ports.map((port) => `ports/www/${port}/Detail.html`));
    const daemon = await start({
      handlers: `[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
url[] = /{category}/{port}/
`,
      more: `[purge.silent]
to = http://127.0.0.1:${(server.address() as AddressInfo).port}
site = https://www.example.org
timeout = 1h`,
    });
    await client.query(`INSERT INTO cache_clearing_ports (category, port) SELECT 'www', unnest($1::text[])`, [
      ports,
    ]);
    await client.query('NOTIFY port_updated');
    await eventually(
      'the files to go',
      async () => site.pages().length === 0 || undefined,
      async () => `${site.pages().length}`,
    );
    const ask = async () => {
      const { rows } = await client.query(
        `SELECT kind, settled_to > 0 AS settled FROM uncached.consumer ORDER BY kind`,
      );
      return JSON.stringify(rows);
    };
    const settled = JSON.stringify([
      { kind: 'files', settled: true },
      { kind: 'purge', settled: false },
    ]);
    await eventually('the files to settle', async () => (await ask()) === settled || undefined, ask);
    expect(sockets.length).toBeGreaterThan(0);
    // A reload, too, ends what is under way.
    process.kill(daemon.pid, 'SIGHUP');
    const listening = () => daemon.log.filter(({ event }) => event === 'listening').length;
    await daemon.until('reload', ({ event }) => event === 'listening' && listening() === 2);
    expect(await daemon.stop()).toBe(0);
    expect(daemon.log.at(-1)?.event).toBe('stopped');
    const errors = daemon.log.filter(({ level, event }) => level >= 50 && event !== 'unknown-handler');
    expect(errors).toEqual([]);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});
