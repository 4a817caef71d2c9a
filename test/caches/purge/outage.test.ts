import { Agent, request } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { client, enqueuePort, start } from '../../cli/running.ts';
import { eventually } from '../../faults/eventually.ts';
import { freePort } from '../../postgres/free-port.ts';
import { startTarget, type TargetServer } from './target-server.ts';

const targets: TargetServer[] = [];
afterEach(() => {
  for (const target of targets.splice(0)) target.close();
});

async function target(port?: number): Promise<TargetServer> {
  const started = await startTarget(port);
  targets.push(started);
  return started;
}

const handlers = `[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
url[] = /{category}/{port}/
`;

const section = (name: string, address: string, more: string) => `[purge.${name}]
to = ${address}
site = https://www.example.org
${more}
`;

/** How far each cache has settled, and the newest row. */
async function settled(): Promise<Record<string, number>> {
  const { rows } = await client.query<{ name: string; id: number }>(
    `SELECT name, settled_to::int AS id FROM uncached.consumer
     UNION ALL SELECT 'newest', coalesce(max(id), 0)::int FROM uncached.log`,
  );
  return Object.fromEntries(rows.map(({ name, id }) => [name, id]));
}

const soon = (what: string, is: (cursors: Record<string, number>) => boolean) =>
  eventually(
    what,
    async () => is(await settled()) || undefined,
    async () => JSON.stringify(await settled()),
  );

const lagMs = 500;

it('an outer target stays behind while the inner one is dead, and is asked last when that is back', async () => {
  const port = await freePort();
  const outer = await target();
  await start({
    handlers,
    more: `${section('inner', `http://127.0.0.1:${port}`, 'lag = 0s')}
${section('outer', outer.address, `after = purge.inner\nlag = ${lagMs}ms`)}`,
  });
  await enqueuePort('net', 'rsync');
  await client.query('NOTIFY port_updated');
  await soon('the files to settle', ({ files = 0, newest = 0 }) => newest > 0 && files === newest);
  // Longer than it would have waited for an inner one that is well.
  await eventually(
    'a second attempt at the inner one, a second later',
    async () => {
      const { rows } = await client.query(
        `SELECT FROM uncached.log WHERE claimed_at < now() - interval '2 s'`,
      );
      return rows.length > 0 || undefined;
    },
    async () => JSON.stringify(await settled()),
  );
  expect(await settled()).toMatchObject({ inner: 0, outer: 0 });
  const inner = await target(port);
  await soon('all to settle', ({ newest = 0, ...others }) =>
    Object.values(others).every((one) => one === newest),
  );
  const last = ({ requests }: TargetServer) => requests.at(-1) ?? expect.fail('it was not asked');
  expect(last(inner).what).toBe('PURGE /net/rsync/');
  expect(last(outer).what).toBe('PURGE /net/rsync/');
  expect(last(outer).at - last(inner).at).toBeGreaterThanOrEqual(lagMs);
});

/** With the client of node:http and four connections, one after the other on each. */
async function rawLoop(address: string, paths: readonly string[]): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const started = performance.now();
  const left = paths.values();
  const next = (path: string) =>
    new Promise<void>((resolve, reject) => {
      const sent = request(address + path, { method: 'PURGE', agent }, (response) => {
        response.resume().on('end', resolve);
      });
      sent.on('error', reject).end();
    });
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (const path of left) await next(path);
    }),
  );
  agent.destroy();
  return performance.now() - started;
}

const missed = 3_000;

it(`a target that is back gets all that it missed at once`, async () => {
  const port = await freePort();
  const paths = Array.from({ length: missed }, (_, nth) => `/www/port-${nth}/`);
  const daemon = await start({ handlers, more: section('varnish', `http://127.0.0.1:${port}`, 'lag = 1h') });
  await client.query(
    `INSERT INTO cache_clearing_ports (category, port) SELECT 'www', 'port-' || nth FROM generate_series(0, $1::int) AS nth`,
    [missed - 1],
  );
  await client.query('NOTIFY port_updated');
  await daemon.until('the alarm', ({ event }) => event === 'target-down');
  await soon('the files to settle', ({ files = 0, newest = 0 }) => newest > 0 && files === newest);
  const other = await target();
  const raw = await rawLoop(other.address, paths);
  const back = await target(port);
  await eventually(
    'all that it missed',
    async () => new Set(back.requests.map(({ what }) => what)).size === missed || undefined,
    async () => `${back.requests.length} requests`,
  );
  const [first, last] = [back.requests[0]?.at ?? 0, back.requests.at(-1)?.at ?? 0];
  // The machine may have become busy meanwhile.
  const rawNow = await rawLoop(other.address, paths);
  expect(last - first).toBeLessThanOrEqual(2 * Math.max(raw, rawNow) + 1_000);
  // The last of them, too, after its first clearing alone.
  expect(back.requests.map(({ what }) => what).sort()).toEqual(paths.map((path) => `PURGE ${path}`).sort());
  const told = await daemon.until('the end of the alarm', ({ event }) => event === 'target-up');
  expect(told.behind).toBe(missed);
});
