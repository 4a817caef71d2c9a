import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Address } from '../core/configuration.ts';
import type { StatusSource } from '../core/daemon-status.ts';
import { clip, printable, printableLines } from '../core/printable-text.ts';
import type { Connections } from './connections.ts';
import type { StaticFiles } from './static-files.ts';
import type { Streams } from './stream.ts';

interface Answer {
  readonly status?: number;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Keys are text from others: a page that shows them runs no scripts and requests no addresses other than
 * those listed here.
 */
const securityHeaders = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

interface RouteContext {
  readonly watched: StatusSource;
  readonly page: StaticFiles;
  readonly streams: Streams;
  readonly connections: Connections;
}

/** At worst an error in an answer ends its connection. */
export function requestListener(address: Address, context: RouteContext): RequestListener {
  return (request, response) => {
    if (context.connections.admits(request, response))
      answer(request, response, address, context).catch(() => response.destroy());
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  address: Address,
  { watched, page, streams, connections }: RouteContext,
): Promise<void> {
  const { path, refusal } = screen(request, address);
  if (refusal === undefined && path === '/events') return streams.add(request, response, securityHeaders);
  const answer = refusal ?? (await find(path, watched, page).catch(() => fault));
  const { status = 200, contentType = 'text/plain; charset=utf-8', headers, body } = answer;
  const bytes = Buffer.byteLength(body);
  connections.sends(request, response, bytes);
  response.writeHead(status, {
    ...securityHeaders,
    'Content-Type': contentType,
    'Content-Length': bytes,
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

const fault: Answer = { status: 500, body: 'this is a fault of uncached: please report it\n' };

function screen(request: IncomingMessage, address: Address): { path: string; refusal?: Answer } {
  const [path = '/'] = (request.url ?? '/').split('?');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return {
      path,
      // What may follow it is not read.
      refusal: {
        status: 405,
        headers: { Allow: 'GET, HEAD', Connection: 'close' },
        body: 'only GET and HEAD are answered\n',
      },
    };
  }
  if (isLoopback(address.host) && !isLoopback(hostOf(request))) {
    // Any web page could have its own name resolve to 127.0.0.1, and so make a local browser read our answers
    // and pass them on.
    const body = `this is served on loopback, not as ${printable(clip(hostOf(request)))}: have the proxy send "Host: localhost"\n`;
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

async function find(path: string, watched: StatusSource, page: StaticFiles): Promise<Answer> {
  switch (path) {
    case '/metrics': {
      const { contentType, text } = await watched.metrics();
      return { contentType, body: text };
    }
    case '/status.json':
      return {
        contentType: 'application/json; charset=utf-8',
        body: printableLines(`${JSON.stringify(await watched.status(), null, 2)}\n`),
      };
    case '/healthz':
      return { body: 'alive\n' };
    case '/readyz': {
      const { listening, health, problems } = await watched.status();
      const body = problems.map(({ text }) => `${printable(text)}\n`).join('');
      return listening && health !== 'critical' ? { body: `listening\n${body}` } : { status: 503, body };
    }
    default:
      return (
        page.files.get(path) ??
        (page.problem === undefined || !/^\/(page\/|$)/.test(path) ? nothing : missing)
      );
  }
}

const nothing: Answer = {
  status: 404,
  body: 'there are /, /metrics, /status.json, /readyz and /healthz\n',
};

const missing: Answer = {
  status: 503,
  body: 'the files of the status page are missing: see the log. There are /metrics, /status.json, /readyz and /healthz\n',
};
