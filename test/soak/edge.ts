import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A cache in front of a server, as a CDN is: it is asked with PURGE, and fails now and then. */
export interface Edge {
  readonly address: string;
  /** Of its purges, from now on. */
  behave(how: 'well' | 'refuses' | 'hangs'): void;
  close(): void;
}

/** Purged, it empties the cache. */
export const everything = '/everything';

interface Kept {
  readonly body: string;
  readonly status: number;
}

export async function startEdge(originPort: number): Promise<Edge> {
  const kept = new Map<string, Kept>();
  let behaves: Parameters<Edge['behave']>[0] = 'well';

  function purge({ url = '' }: IncomingMessage, response: ServerResponse): void {
    if (behaves === 'hangs') return;
    if (behaves === 'refuses') return void response.writeHead(503).end('Out of order');
    if (url === everything) kept.clear();
    else kept.delete(url);
    response.end('Purged');
  }

  async function get({ url = '', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const known = kept.get(url);
    const { body, status } = known ?? (await fromOrigin(url, String(headers.host)));
    response.writeHead(status, { 'x-cache': known ? 'HIT' : 'MISS' }).end(body);
  }

  async function fromOrigin(url: string, host: string): Promise<Kept> {
    const answer = await fetch(`http://127.0.0.1:${originPort}${url}`, { headers: { host } });
    const page = { body: await answer.text(), status: answer.status };
    if (answer.headers.get('cache-control')?.includes('max-age')) kept.set(url, page);
    return page;
  }

  const server = createServer((request, response) => {
    if (request.method !== 'GET') return purge(request, response);
    get(request, response).catch((error: Error) => response.writeHead(502).end(error.message));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    behave(how) {
      behaves = how;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
