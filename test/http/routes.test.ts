import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { Status } from '../../src/core/daemon-status.ts';
import { Connections } from '../../src/http/connections.ts';
import { requestListener } from '../../src/http/routes.ts';
import { Streams } from '../../src/http/stream.ts';
import { get } from './get.ts';

let server: Server;

afterEach(() => new Promise((resolve) => server.close(resolve)));

/** Serves in this process, as if it listened on `host`. */
async function serve(host: string, status: Partial<Status> = {}): Promise<number> {
  const watched = {
    metrics: async () => ({ contentType: 'text/plain', text: 'metrics' }),
    status: async () => ({ listening: true, health: 'ok', problems: [], ...status }) as unknown as Status,
    history: () => [],
  };
  const clock = { now: () => 0, wait: () => Promise.reject(new Error('nobody waits here')) };
  const connections = new Connections();
  const listener = requestListener(
    { host, port: 1 },
    { watched, page: { files: new Map() }, streams: new Streams(watched, clock, 1_000), connections },
  );
  server = createServer(listener).on('connection', (socket) => connections.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const asked = async (at: number, host: string) => (await get(at, '/healthz', { headers: { host } })).status;

it.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])(
  'answers on %s under the names of loopback alone',
  async (host) => {
    const at = await serve(host);
    for (const name of ['localhost', 'LOCALHOST:8080', '127.0.0.1', '127.9.9.9:1', '[::1]:1'])
      expect([name, await asked(at, name)]).toEqual([name, 200]);
    for (const name of ['example.org', 'localhost.example.org', '127.0.0.1.example.org', '10.0.0.1'])
      expect([name, await asked(at, name)]).toEqual([name, 421]);
  },
);

it.each(['0.0.0.0', '::', '192.0.2.1', 'cache.example.org'])(
  'answers on %s under every name: whoever asks from elsewhere uses another',
  async (host) => {
    const at = await serve(host);
    for (const name of ['cache.example.org', '192.0.2.1:8080', 'localhost'])
      expect([name, await asked(at, name)]).toEqual([name, 200]);
  },
);

it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])(
  'refuses %s, and ends the connection',
  async (method) => {
    const at = await serve('127.0.0.1');
    const { status, headers } = await get(at, '/healthz', { method });
    expect([status, headers.allow, headers.connection]).toEqual([405, 'GET, HEAD', 'close']);
  },
);

it.each<[string, Partial<Status>, number, string]>([
  ['listens', {}, 200, 'listening\n'],
  [
    'listens and has a warning',
    { health: 'warning', problems: [{ level: 'warning', kind: 'lag', text: 'slow' }] },
    200,
    'listening\nslow\n',
  ],
  [
    'is critical',
    { health: 'critical', problems: [{ level: 'critical', kind: 'lag', text: 'late' }] },
    503,
    'late\n',
  ],
  ['does not listen', { listening: false }, 503, ''],
])('is ready or not, and says why: a daemon that %s', async (_what, status, code, body) => {
  const at = await serve('127.0.0.1', status);
  expect(await get(at, '/readyz')).toMatchObject({ status: code, body });
  expect((await get(at, '/healthz')).status).toBe(200);
});
