import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { answer, etagOf, memoryCache, notModified } from '../src/memory-cache/memory-cache.ts';
import type { Connection } from '../test/postgres/connection.ts';
import type { MemoryCache } from './memory-cache.ts';
import { interleaved } from './statistics.ts';

interface Load {
  readonly rounds: number;
  readonly ms: number;
  readonly say: (line: string) => void;
}

/** Requests a second for a page of 300 links: rendered, from memory, and for a reader whose ETag is valid. */
export async function pageRates(
  connection: Connection,
  { rounds, ms, say }: Load,
): Promise<MemoryCache['rates']> {
  const site = await openSite(connection);
  try {
    const contestants = {
      rendered: () => rateOf(site.port, '/render/port1', '', ms),
      memory: () => rateOf(site.port, '/memory/port1', '', ms),
      unchanged: () => rateOf(site.port, '/etag/port1', site.etag, ms),
    };
    // The first requests compile code.
    for (const contestant of Object.values(contestants)) await contestant();
    const { rendered = [], memory = [], unchanged = [] } = await interleaved(rounds, contestants, say);
    return { rendered, memory, unchanged };
  } finally {
    await site.close();
  }
}

async function rateOf(port: number, path: string, etag: string, ms: number): Promise<number> {
  const child = fork(join(import.meta.dirname, 'page-load.js'), [String(port), path, etag, String(ms)]);
  const [rate] = (await once(child, 'message')) as [number];
  return Math.round(rate);
}

async function openSite(connection: Connection) {
  const pool = new pg.Pool({ ...connection, max: 10 });
  const options = {
    connection,
    channels: ['site_port_updated'],
    onError(error: Error) {
      throw error;
    },
  };
  const pages = memoryCache<{ body: Buffer; etag: string }>(options);
  const etags = memoryCache<string>(options);
  await Promise.all([pages.current(), etags.current()]);
  const render = async (name: string) => {
    const { rows } = await pool.query('SELECT version FROM site_ports WHERE name = $1', [name]);
    const links = await pool.query('SELECT href, title FROM site_links WHERE port = $1 ORDER BY nth', [name]);
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
        page.dependsOn('site_port_updated', { name });
        const body = await render(name);
        return { body, etag: etagOf(body) };
      });
      response.writeHead(200, { etag: value.etag }).end(value.body);
    } else {
      const { status, etag, body } = await answer(etags, request.headers, name, (page) => {
        page.dependsOn('site_port_updated', { name });
        return render(name);
      });
      response.writeHead(status, { etag }).end(body);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    etag: etagOf(await render('port1')),
    async close() {
      server.close();
      await Promise.all([pages.close(), etags.close(), pool.end()]);
    },
  };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
