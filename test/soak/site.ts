import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeVarnish, pagesVcl, sectionFor, varnishFound } from '../caches/purge/varnish.ts';
import { nginxInFront } from '../stack/nginx.ts';
import { type Part, siteServer } from '../stack/parts.ts';
import { articlesSql, type Layer } from '../stack/stack.ts';
import type { Extra } from '../stress/node.ts';
import type { World } from '../stress/world.ts';
import { type Edge, everything, startEdge } from './edge.ts';

/** The articles of the site: a server with page files in the root of node 1, and caches of each kind in front of it. */
export interface Site {
  readonly layers: readonly Layer[];
  readonly edge: Edge;
  /** nginx and Varnish, where they are installed. */
  readonly fronts: readonly Part[];
  /** The command of the handler fails while this file is there. */
  readonly commandFails: string;
  /** Numbers of handlers that have come since the start. */
  readonly added: number[];
  /** For the configuration of a node. */
  extra(number: number): Extra;
  close(): Promise<void>;
}

/** Where the server keeps its pages, in the root of node 1. */
export const foreignOf = (number: number) => (number === 1 ? ['articles'] : []);

export async function openSite(
  { nodes: [first], connection, folder }: World,
  { settleMs, purged }: { settleMs: number; purged: boolean },
): Promise<Site> {
  if (!first) throw new Error('Cannot open the site: there is no node');
  mkdirSync(join(first.root, 'spooling'), { recursive: true });
  const server = await siteServer({ root: first.root, connection, settleMs });
  await server.start();
  const nginx = await nginxInFront(server.port);
  await nginx?.start();
  const varnish = varnishFound ? await makeVarnish(nginx?.port ?? server.port, banVcl + pagesVcl) : undefined;
  await varnish?.start();
  const edge = await startEdge(server.port);
  const command = makeCommand(folder);
  const added: number[] = [];
  const sections = [
    ...(nginx ? [`${nginx.section}\n${lag}`] : []),
    ...(varnish
      ? [`${sectionFor(varnish.address)}\neverything = BAN /\n${lag}\n${nginx ? 'after = nginx.pages' : ''}`]
      : []),
    edgeSection(edge.address),
  ];
  return {
    layers: [
      { name: 'page files', address: server.address },
      ...(nginx ? [{ name: 'nginx', address: nginx.address }] : []),
      ...(varnish ? [{ name: 'Varnish', address: varnish.address }] : []),
      { name: 'edge', address: edge.address },
    ],
    edge,
    fronts: [...(nginx ? [nginx] : []), ...(varnish ? [{ name: 'Varnish', ...varnish }] : [])],
    commandFails: command.fails,
    added,
    extra: (number) => ({
      more: number === 1 ? sections.join('\n') : '',
      handlers: [handlerIni(command.path), number === 1 ? urlLine(purged) : '', ...added.map(addedIni)].join(
        '\n',
      ),
      foreign: foreignOf(number),
    }),
    async close() {
      edge.close();
      await varnish?.remove();
      await nginx?.remove();
      await server.kill();
    },
  };
}

const lag = 'lag = 2s';

/** What empties Varnish. Nodes expire after seconds here, and its content is unknown then. */
const banVcl = `
sub vcl_recv {
  if (req.method == "BAN") {
    ban("obj.status != 0");
    return (synth(200, "Purged"));
  }
}
`;

const edgeSection = (address: string) => `[purge.edge]
to[] = ${address}
site[] = https://www.example.org
expect[] = 200 Purged
everything = PURGE ${everything}
timeout = 1s
${lag}`;

/** A key is cleared by what depends on it alone: the page that its function returns. */
const handlerIni = (command: string) => `
[handler.article]
queue = queue_article
expand = public.pages_of(article)
clear[] = articles/{page}.html
run = ${command}`;

const urlLine = (purged: boolean) => `url[] = ${purged ? '/articles/{page}' : '/nothing/{page}'}`;

const addedIni = (n: number) => `
[handler.added_${n}]
clear[] = added/${n}/*
`;

function makeCommand(folder: string): { path: string; fails: string } {
  const [path, fails] = [join(folder, 'command'), join(folder, 'command-fails')];
  writeFileSync(
    path,
    `#!/bin/sh\ncat >/dev/null\n[ ! -e '${fails}' ] || { echo 'out of order' >&2; exit 1; }\n`,
  );
  chmodSync(path, 0o755);
  return { path, fails };
}

/** What an article's key means. The second is a mistake that a developer makes for a moment. */
export const pagesOf = `
  CREATE OR REPLACE FUNCTION pages_of(article text) RETURNS TABLE (page text)
  LANGUAGE sql STABLE SET search_path = public, pg_temp AS 'SELECT article'`;
export const brokenPagesOf = `
  CREATE OR REPLACE FUNCTION pages_of(article text) RETURNS TABLE (page text)
  LANGUAGE sql STABLE SET search_path = public, pg_temp AS 'SELECT (1 / (length(article) - length(article)))::text'`;

export const siteSql = `${articlesSql};
  GRANT SELECT, DELETE, UPDATE (id) ON queue_article TO uncached;
  ${pagesOf};`;
