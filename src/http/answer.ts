import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Address } from '../core/configuration.ts';
import type { Watched } from '../core/status.ts';
import { readPage } from './page.ts';
import type { Streams } from './stream.ts';

interface Answer {
  readonly status?: number;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Keys are other people's data, and a page that shows them runs nothing and asks nobody but what is written here. */
const safe = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

export function answers(address: Address, watched: Watched, streams: Streams): RequestListener {
  const page = readPage();
  return (request, response) => {
    const { path, refusal } = examine(request, address);
    if (refusal === undefined && path === '/events') return streams.add(request, response, safe);
    Promise.resolve(refusal ?? find(path, watched, page))
      .catch((): Answer => ({ status: 500, body: 'this is a fault of uncached: please report it\n' }))
      .then((answer) => send(response, answer, request.method === 'HEAD'));
  };
}

function examine(request: IncomingMessage, address: Address): { path: string; refusal?: Answer } {
  const [path = '/'] = (request.url ?? '/').split('?');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return {
      path,
      refusal: { status: 405, headers: { Allow: 'GET, HEAD' }, body: 'only GET and HEAD are answered\n' },
    };
  }
  if (isLoopback(address.host) && !isLoopback(hostOf(request))) {
    // A page from anywhere could have its own name resolve to 127.0.0.1, and so have a browser here read ours to it.
    const body = `this is served on loopback, not as ${hostOf(request)}: have the proxy send "Host: localhost"\n`;
    return { path, refusal: { status: 421, body } };
  }
  return { path };
}

function hostOf({ headers }: IncomingMessage): string {
  return (headers.host ?? 'localhost').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|::1)$/i.test(host);
}

async function find(path: string, watched: Watched, page: ReadonlyMap<string, Answer>): Promise<Answer> {
  switch (path) {
    case '/metrics': {
      const { contentType, text } = await watched.metrics();
      return { contentType, body: text };
    }
    case '/status.json':
      return {
        contentType: 'application/json; charset=utf-8',
        body: `${JSON.stringify(await watched.status(), null, 2)}\n`,
      };
    case '/healthz':
      return { body: 'alive\n' };
    case '/readyz': {
      const deaf = watched.deaf();
      return deaf === undefined ? { body: 'listening\n' } : { status: 503, body: `not listening: ${deaf}\n` };
    }
    default:
      return (
        page.get(path) ?? {
          status: 404,
          body: 'there are /, /metrics, /status.json, /readyz and /healthz\n',
        }
      );
  }
}

function send(
  response: ServerResponse,
  { status = 200, contentType = 'text/plain; charset=utf-8', headers, body }: Answer,
  headOnly: boolean,
): void {
  const length = Buffer.byteLength(body);
  response.writeHead(status, { ...safe, 'Content-Type': contentType, 'Content-Length': length, ...headers });
  response.end(headOnly ? undefined : body);
}
