import { once } from 'node:events';
import { Agent, createServer, get as httpGet, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ZoneWay } from '../../../src/core/configuration.ts';
import { systemWalk } from '../../../src/filesystem/walk/walk.ts';
import { clearKeys } from '../../../src/filesystem/zone/clear-zone.ts';
import { makeNginx } from './nginx.ts';

const pages = Array.from({ length: 20 }, (_, at) => `/p${at}`);
const clients = 8;
const changeEveryMs = 20;
const renderMs = 20;
const runMs = 2_000;

/** Much longer than a render and what nginx needs to store it, also on a busy machine. */
const settleMs = 1_000;

export interface Configuration {
  /** What stands beside proxy_cache. */
  readonly directives?: string;
  readonly useTempPath?: boolean;
  /** How long responses are fresh, in seconds. */
  readonly maxAge?: number;
}

export interface Outcome {
  readonly answers: number;
  /** Answers from the cache. */
  readonly hits: number;
  readonly errors: number;
  /** Answers to requests that began after the second clearing, with something older than was cleared. */
  readonly stale: number;
  /** Pages that are old when all has settled. */
  readonly left: readonly string[];
  readonly critical: readonly string[];
}

/** Lets visitors read pages that change, and clears each page when it has changed and once more. */
export async function visit(
  { directives = '', useTempPath = false, maxAge = 3_600 }: Configuration,
  how: ZoneWay,
): Promise<Outcome> {
  const versions = new Map(pages.map((page) => [page, 1]));
  const origin = createServer(async (message, response) => {
    const version = versions.get(message.url ?? '') ?? 0;
    const headers = { etag: `"v${version}"`, 'cache-control': `max-age=${maxAge}` };
    await wait(renderMs);
    if (message.headers['if-none-match'] === headers.etag) response.writeHead(304, headers).end();
    else response.writeHead(200, headers).end(String(version));
  });
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  const nginx = await makeNginx(
    (folder, [port]) => `
proxy_cache_path ${folder}/zone levels=1:2 keys_zone=zone:1m use_temp_path=${useTempPath ? 'on' : 'off'};
upstream origin { server 127.0.0.1:${(origin.address() as AddressInfo).port}; keepalive 32; }
server {
  listen 127.0.0.1:${port};
  location / {
    proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_cache zone; proxy_cache_key "k$request_uri"; add_header X-Cache $upstream_cache_status;
    ${directives}
  }
}`,
  );
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const zone = join(nginx.folder, 'zone');
  const clear = (page: string) => clearKeys(zone, { levels: [1, 2], keys: [`k${page}`], how }, systemWalk());
  const read = (page: string) => readVersion(`${nginx.address()}${page}`, agent);
  try {
    await nginx.start();
    const settled = new Map<string, number>();
    const tally = { answers: 0, hits: 0, errors: 0, stale: 0 };
    let isOver = false;
    const visitors = Array.from({ length: clients }, async () => {
      while (!isOver) {
        const page = anyPage();
        const least = settled.get(page) ?? 1;
        const { status, version, isHit } = await read(page);
        tally.answers += 1;
        if (isHit) tally.hits += 1;
        if (status !== 200) tally.errors += 1;
        else if (version < least) tally.stale += 1;
      }
    });
    const ends = performance.now() + runMs;
    const clearings: Promise<void>[] = [];
    while (performance.now() < ends) {
      const page = anyPage();
      const version = (versions.get(page) ?? 0) + 1;
      versions.set(page, version);
      clear(page);
      clearings.push(
        wait(settleMs).then(() => {
          clear(page);
          settled.set(page, Math.max(version, settled.get(page) ?? 1));
        }),
      );
      await wait(changeEveryMs);
    }
    await Promise.all(clearings);
    isOver = true;
    await Promise.all(visitors);
    const left: string[] = [];
    for (const page of pages) if ((await read(page)).version !== versions.get(page)) left.push(page);
    const critical = ['crit', 'alert', 'emerg'].flatMap(nginx.complaints);
    return { ...tally, left, critical: critical.filter((line) => !line.includes(ownRace)) };
  } finally {
    agent.destroy();
    await nginx.remove();
    origin.closeAllConnections();
    origin.close();
  }
}

/** nginx itself renames a file before it notes where the body of the new one begins; it answers that as a MISS. */
const ownRace = 'has too long header';

function anyPage(): string {
  return pages[Math.floor(Math.random() * pages.length)] ?? '';
}

async function readVersion(url: string, agent: Agent) {
  const [response] = (await once(httpGet(url, { agent }), 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  const isHit = response.headers['x-cache'] === 'HIT';
  return { status: response.statusCode, version: Number(body), isHit };
}
