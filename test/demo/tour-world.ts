import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Client } from 'pg';
import { makeVarnish, sectionFor, varnishFound } from '../caches/purge/varnish.ts';
import { type Connection, withClient } from '../postgres/connection.ts';
import { createDatabase } from '../postgres/database.ts';
import { freePort } from '../postgres/free-port.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { nginxInFront } from '../stack/nginx.ts';
import { startUncached, uncached } from '../uncached.ts';

/** A cache that visitors ask over HTTP. */
export interface Front {
  readonly name: string;
  /** Undefined: it is not installed here, or does not start. */
  readonly address: string | undefined;
  /** Why it does not start. */
  readonly failure?: string;
}

/** What the tour shows: a site on two hosts, and caches in front of it. */
export interface TourWorld {
  readonly connection: Connection;
  readonly hosts: readonly [Site, Site];
  readonly fronts: readonly Front[];
  /** Of the first host. */
  readonly configuration: string;
  readonly statusPage: string;
}

export const slugs = ['spring', 'summer', 'autumn', 'winter', 'snow', 'rain'];
export const fileOf = (slug: string) => `articles/${slug}.html`;

type Release = (undo: () => unknown) => void;

/** @param release is given what undoes each part */
export async function buildTourWorld(server: Connection, release: Release): Promise<TourWorld> {
  const { name, config: connection } = await createDatabase(server, { template: 'template0' });
  release(() => withClient(server, (client) => client.query(`DROP DATABASE ${name} WITH (FORCE)`)));
  const origin = await startOrigin(connection);
  release(() => origin.close());
  const port = (origin.address() as AddressInfo).port;
  const { fronts, sections } = await startFronts(port, release);

  const hosts = [makeSite(), makeSite()] as const;
  for (const host of hosts) release(() => host.remove());
  const status = await freePort();
  const [first, second] = [
    hosts[0].configure(
      iniFor(hosts[0], connection, {
        more: `${sections.join('\n')}\n[http]\nlisten = ${status}`,
        handlers: `${handler}${sections.length > 0 ? 'url[] = /articles/{slug}\n' : ''}`,
      }),
    ),
    hosts[1].configure(iniFor(hosts[1], connection, { handlers: handler })),
  ];
  await withClient(connection, (client) => install(client, first));
  for (const configuration of [first, second]) {
    const daemon = startUncached(configuration, {}, { detached: true });
    release(() => daemon.stop());
    await daemon.until('LISTEN', ({ event }) => event === 'listening');
  }
  return { connection, hosts, fronts, configuration: first, statusPage: `http://127.0.0.1:${status}/` };
}

const handler = `[handler.articles]
queue = cache_clearing_articles
clear[] = articles/{slug}.html
`;

/** What an administrator and a web developer would do. */
async function install(client: Client, configuration: string): Promise<void> {
  const print = async (...args: string[]) => {
    const { code, stdout, stderr } = await uncached(
      ['--config', configuration, ...args],
      {},
      { detached: true },
    );
    if (code !== 0) throw new Error(`uncached ${args[0]}: ${stderr}`);
    return stdout;
  };
  const values = slugs.map((slug) => `('${slug}', 'All about ${slug}')`).join(', ');
  await client.query(await print('schema'));
  await client.query(`
    CREATE TABLE articles (slug text PRIMARY KEY, title text NOT NULL);
    INSERT INTO articles VALUES ${values}`);
  await client.query(await print('attach', 'articles', 'slug', '--clear', 'articles/{slug}.html'));
  await client.query(await print('schema', '--barrier'));
}

/** The site: it makes a page for each request, and lets caches keep it for an hour. */
async function startOrigin(connection: Connection): Promise<HttpServer> {
  const server = createServer((request, response) => {
    const slug = request.url?.split('/').at(-1) ?? '';
    titleOf(connection, slug).then(
      (title) => response.writeHead(title ? 200 : 404, { 'cache-control': 'max-age=3600' }).end(title),
      () => response.writeHead(503).end(),
    );
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  // nginx and Varnish keep connections to it open.
  server.on('close', () => server.closeAllConnections());
  return server;
}

async function titleOf(connection: Connection, slug: string): Promise<string> {
  return await withClient(connection, async (client) => {
    const { rows } = await client.query('SELECT title FROM articles WHERE slug = $1', [slug]);
    return String(rows[0]?.title ?? '');
  });
}

async function startFronts(
  port: number,
  release: Release,
): Promise<{ fronts: readonly Front[]; sections: readonly string[] }> {
  const nginx = await nginxInFront(port);
  const varnish = varnishFound ? await makeVarnish(port) : undefined;
  const sections: string[] = [];
  const start = async (name: string, front: typeof nginx | typeof varnish, section: string) => {
    if (!front) return { name, address: undefined };
    release(() => front.remove());
    try {
      await front.start();
    } catch (error) {
      return { name, address: undefined, failure: (error as Error).message };
    }
    sections.push(`${section}\nlag = 1s`);
    return { name, address: front.address };
  };
  const fronts = [
    await start('nginx', nginx, nginx?.section ?? ''),
    await start('Varnish', varnish, varnish ? sectionFor(varnish.address) : ''),
  ];
  return { fronts, sections };
}
