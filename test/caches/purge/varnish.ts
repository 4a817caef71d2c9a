import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endLeader } from '../../end-process.ts';
import { lastWill } from '../../last-will.ts';
import { freePort } from '../../postgres/free-port.ts';
import { projectRoot } from '../../postgres/project-root.ts';
import { withSbin } from '../sbin-path.ts';

export const varnishFound = spawnSync('varnishd', ['-V'], { env: withSbin() }).status === 0;

/** Debian has it in a package of its own. */
export const xkeyFound = spawnSync('sh', ['-c', 'ls /usr/lib/*/varnish/vmods/libvmod_xkey.so']).status === 0;

const manual = readFileSync(join(projectRoot, 'doc/caches.md'), 'utf8');

type Chapter = 'Varnish' | 'Varnish with tags';

/** The block of a language in a chapter of doc/caches.md, word for word. */
function documented(chapter: Chapter, language: 'vcl' | 'ini'): string {
  const text = manual.split(`\n## ${chapter}\n`)[1] ?? '';
  return text.split(`\n\`\`\`${language}\n`)[1]?.split('\n```')[0] ?? '';
}

export const pagesVcl = documented('Varnish', 'vcl');
export const tagsVcl = documented('Varnish with tags', 'vcl');

/** The section that the manual has for this Varnish. */
export const sectionFor = (address: string, chapter: Chapter = 'Varnish') =>
  (documented(chapter, 'ini').split('\n[handler')[0] ?? '').replace('http://127.0.0.1:6081', address);

export interface Varnish {
  readonly address: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** With -9, and the process that serves with it. */
  kill(): Promise<void>;
  remove(): Promise<void>;
}

/** A Varnish in front of a server on 127.0.0.1, not started yet. Its cache is in memory. */
export async function makeVarnish(originPort: number, vcl = pagesVcl): Promise<Varnish> {
  const folder = mkdtempSync(join(tmpdir(), 'uncached-varnish-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  const file = join(folder, 'site.vcl');
  writeFileSync(file, `vcl 4.1;\nbackend default { .host = "127.0.0.1"; .port = "${originPort}"; }\n${vcl}`);
  let child: ChildProcess | undefined;
  const end = async (signal: NodeJS.Signals) => {
    await endLeader(child, signal);
    child = undefined;
  };
  return {
    address: `http://127.0.0.1:${port}`,
    async start() {
      const sizes = ['-s', 'malloc,16m', '-p', 'thread_pools=1', '-p', 'thread_pool_min=10'];
      const where = ['-a', `127.0.0.1:${port}`, '-f', file, '-n', join(folder, 'run')];
      child = spawn('varnishd', ['-F', ...where, ...sizes], {
        detached: true,
        env: withSbin(),
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      lastWill('kill "$1"', String(child.pid));
      let said = '';
      child.stderr?.setEncoding('utf8').on('data', (data) => {
        said += data;
      });
      while (!(await answers(port))) {
        if (child.exitCode !== null) throw new Error(`varnishd has ended: ${said}`);
        await new Promise((later) => setTimeout(later, 50));
      }
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async remove() {
      await end('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answers(port: number): Promise<boolean> {
  return await fetch(`http://127.0.0.1:${port}/is-it-up`).then(
    () => true,
    () => false,
  );
}

/** A site whose pages have a version; each may be cached for an hour. */
export interface Origin {
  readonly port: number;
  version: number;
  /** Called before a page is sent, whose version was read before. */
  onRender: (url: string) => Promise<void>;
  /** The tags of a page. */
  tagsOf: (url: string) => string;
  statusOf: (url: string) => number;
  /** Methods and urls of all requests. */
  readonly requests: string[];
  close(): void;
}

export async function startOrigin(): Promise<Origin> {
  const requests: string[] = [];
  const answer = async (message: IncomingMessage, response: ServerResponse) => {
    const { version } = origin;
    requests.push(`${message.method} ${message.url}`);
    await origin.onRender(message.url ?? '');
    const headers = { 'cache-control': 'max-age=3600', xkey: origin.tagsOf(message.url ?? '') };
    response.writeHead(origin.statusOf(message.url ?? ''), headers).end(`version ${version}`);
  };
  const server = createServer((message, response) => void answer(message, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin: Origin = {
    port: (server.address() as AddressInfo).port,
    version: 1,
    onRender: async () => {},
    tagsOf: () => 'none',
    statusOf: () => 200,
    requests,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return origin;
}

/** The body of a page, as a visitor of the site gets it. */
export async function get(address: string, path: string, site = 'www.example.org'): Promise<string> {
  const sent = request(`${address}${path}`, { headers: { host: site } }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  return body;
}
