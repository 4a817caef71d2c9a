import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { followedCache } from '../../src/memory-cache/followed-cache.ts';
import { lastingClock } from '../../src/memory-cache/lasting-clock.ts';
import { answer, etagOf, memoryCache, notModified } from '../../src/memory-cache/memory-cache.ts';
import { sourceOf } from '../../src/memory-cache/notification-source.ts';
import { sharedListener } from '../../src/memory-cache/shared-listener.ts';
import { type Connection, withClient } from '../postgres/connection.ts';
import { createDatabase } from '../postgres/database.ts';
import { startServer } from '../postgres/server.ts';
import { ensureNotify } from './notify.ts';

/**
 * Figures for doc/memory-cache.md: node --expose-gc build/test/memory-cache/measure.js. What is compared is measured
 * by turns, and the medians count: the machine may be busy.
 */
const rounds = 7;

if (process.argv[2] === 'load') await load(Number(process.argv[3]), String(process.argv[4]), process.argv[5]);
else await measure();

async function measure(): Promise<void> {
  say(`memory: ${Math.round(await bytesAnEntry())} bytes an entry with two dependencies, beyond the value`);
  const server = await startServer();
  const database = await createDatabase(server, { template: 'template0' });
  await withClient(database.config, async (client) => {
    await ensureNotify(client);
    await client.query(`
      CREATE TABLE ports (category text, name text PRIMARY KEY, version int NOT NULL DEFAULT 0);
      INSERT INTO ports SELECT 'www', 'port' || nth, 0 FROM generate_series(0, 199) AS nth;
      CREATE TABLE links (port text, nth int, href text, title text);
      INSERT INTO links SELECT 'port1', nth, '/pool/' || md5(nth::text) || '.tar.gz', 'Version ' || nth || ' & its "notes"' FROM generate_series(1, 300) AS nth;
      CREATE INDEX ON links (port);
      CREATE TRIGGER notify AFTER UPDATE ON ports FOR EACH ROW EXECUTE FUNCTION uncached.notify('port_updated', 'category', 'name')`);
  });
  await latency(database.config);
  await requests(database.config);
  await database.drop();
  await server.stop();
}

/** From an UPDATE that was sent to a notification that a plain client has heard, and to an entry that is gone. */
async function latency(connection: Connection): Promise<void> {
  const times: { bare: number[]; gone: number[] } = { bare: [], gone: [] };
  let sent = 0;
  let dropped = () => {};
  const source = sourceOf(connection).open();
  const clock = lastingClock();
  const listener = sharedListener(
    {
      ...source,
      listen: (channels, notify) =>
        source.listen(channels, (channel, payload) => {
          notify(channel, payload);
          times.gone.push(performance.now() - sent);
          dropped();
        }),
    },
    clock,
    () => {},
  );
  const cache = followedCache<number>(listener, {
    channels: ['port_updated'],
    max: 100,
    maxStaleMs: 5_000,
    staleForMs: 0,
    now: clock.now,
    onError: fail,
  });
  await cache.current();
  const bare = new pg.Client({ ...connection });
  const producer = new pg.Client({ ...connection });
  await Promise.all([bare.connect(), producer.connect()]);
  await producer.query('SET synchronous_commit = off');
  await bare.query('LISTEN port_updated');
  bare.on('notification', () => times.bare.push(performance.now() - sent));
  for (let nth = 0; nth < 2_000; nth++) {
    const name = `port${nth % 200}`;
    await cache.get(name, (page) => {
      page.dependsOn('port_updated', { category: 'www', name });
      return nth;
    });
    await wait(2);
    const heard = Promise.all([
      once(bare, 'notification'),
      new Promise<void>((resolve) => {
        dropped = resolve;
      }),
    ]);
    sent = performance.now();
    const answered = producer.query('UPDATE ports SET version = version + 1 WHERE name = $1', [name]);
    await Promise.all([heard, answered]);
    if (cache.peek(name) !== undefined) throw new Error('Cannot measure: the entry is still there');
  }
  for (const share of [0.5, 0.99]) {
    const [bareMs, goneMs] = [quantile(times.bare, share), quantile(times.gone, share)];
    say(
      `sent to heard, p${share * 100}: bare notification ${bareMs.toFixed(2)} ms, entry gone ${goneMs.toFixed(2)} ms, ${(goneMs / bareMs).toFixed(2)} x`,
    );
  }
  await Promise.all([bare.end(), producer.end(), cache.close()]);
}

async function requests(connection: Connection): Promise<void> {
  const pool = new pg.Pool({ ...connection, max: 10 });
  const options = { connection, channels: ['port_updated'], onError: fail };
  const pages = memoryCache<{ body: Buffer; etag: string }>(options);
  const etags = memoryCache<string>(options);
  await Promise.all([pages.current(), etags.current()]);
  const render = async (name: string) => {
    const { rows } = await pool.query('SELECT version FROM ports WHERE name = $1', [name]);
    const links = await pool.query('SELECT href, title FROM links WHERE port = $1 ORDER BY nth', [name]);
    const list = links.rows.map(
      ({ href, title }) => `<li><a href="${escaped(href)}">${escaped(title)}</a></li>`,
    );
    return Buffer.from(`<h1>${name} ${rows[0]?.version}</h1>${list.join('\n')}`);
  };
  const server = createServer(async (request, response) => {
    const [, how, name = ''] = String(request.url).split('/');
    if (how === 'render') {
      // As a site that answers conditional requests without a cache.
      const body = await render(name);
      const etag = etagOf(body);
      if (notModified(request.headers, etag)) response.writeHead(304, { etag }).end();
      else response.writeHead(200, { etag }).end(body);
    } else if (how === 'memory') {
      const { value } = await pages.get(name, async (page) => {
        page.dependsOn('port_updated', { name });
        return withTag(await render(name));
      });
      response.writeHead(200, { etag: value.etag }).end(value.body);
    } else {
      const { status, etag, body } = await answer(etags, request.headers, name, (page) => {
        page.dependsOn('port_updated', { name });
        return render(name);
      });
      response.writeHead(status, { etag }).end(body);
    }
  });
  const port = await listening(server);
  const etag = etagOf(await render('port1'));
  const rates: Record<string, number[]> = { render: [], memory: [], etag: [] };
  for (let round = 0; round < rounds; round++)
    for (const [how, list] of Object.entries(rates))
      list.push(await rateOf(port, `/${how}/port1`, how === 'etag' ? etag : ''));
  const [rendered = 0, memory = 0, unchanged = 0] = Object.values(rates).map((list) => quantile(list, 0.5));
  say(
    `a page of 300 links: rendered ${rendered} requests/s, from memory ${memory} (${(memory / rendered).toFixed(1)} x), 304 ${unchanged} (${(unchanged / rendered).toFixed(1)} x)`,
  );
  server.close();
  await Promise.all([pages.close(), etags.close(), pool.end()]);
}

function withTag(body: Buffer): { body: Buffer; etag: string } {
  return { body, etag: etagOf(body) };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function rateOf(port: number, path: string, etag: string): Promise<number> {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), ['load', String(port), path, etag]);
  const [rate] = (await once(child, 'message')) as [number];
  return Math.round(rate);
}

/**
 * 32 readers for a second, in a process of their own, which does as little as possible: all answers are of the same
 * length.
 */
async function load(port: number, path: string, etag: string | undefined): Promise<void> {
  const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${etag ? `If-None-Match: ${etag}\r\n` : ''}\r\n`;
  let answered = 0;
  const read = (length: number) => {
    let received = 0;
    const socket = connect(port, '127.0.0.1', () => socket.write(request));
    socket.on('data', ({ byteLength }) => {
      received += byteLength;
      if (received < length) return;
      received -= length;
      answered += 1;
      socket.write(request);
    });
  };
  const first = connect(port, '127.0.0.1', () => first.end(request));
  const length = Buffer.concat(await first.toArray()).byteLength;
  const begun = performance.now();
  for (let reader = 0; reader < 32; reader++) read(length);
  await wait(1_000);
  process.send?.((answered * 1_000) / (performance.now() - begun));
  process.exit(0);
}

async function bytesAnEntry(): Promise<number> {
  const entries = 100_000;
  const { valueCache } = await import('../../src/memory-cache/value-cache.ts');
  const values = Array.from({ length: entries }, (_, nth) => ({ nth }));
  const cache = valueCache<object>({
    channels: ['c'],
    max: entries,
    maxStaleMs: 1_000,
    staleForMs: 0,
    now: () => 0,
    onError: fail,
  });
  cache.proven(0);
  const before = used();
  for (const [nth, value] of values.entries())
    await cache.get(`ports/www/port${nth}`, (page) => {
      page.dependsOn('c', { category: `category${nth % 60}`, name: `port${nth}` });
      page.dependsOn('c', { user: `user${nth % 500}` });
      return value;
    });
  const after = used();
  if (cache.statistics().entries !== entries) throw new Error('Cannot measure: entries are missing');
  return (after - before) / entries;
}

function used(): number {
  if (globalThis.gc === undefined) throw new Error('Cannot measure memory: run node with --expose-gc');
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

function quantile(times: readonly number[], share: number): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * share)] ?? 0;
}

function fail(error: Error): never {
  throw error;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
