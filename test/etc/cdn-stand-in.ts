import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server that does what the documents of a CDN say; the tests have no network. */
export interface CdnStandIn {
  readonly address: string;
  key: string;
  /** Tags, or whole urls, under which something is cached. */
  readonly cached: Set<string>;
  /** How many things each request has named. */
  readonly requests: number[];
  /** Requests that came while it had asked to wait. */
  refused: number;
  /** From the first request on it asks to wait for so long. */
  restMs: number;
  close(): void;
}

type Answer = (
  cdn: CdnStandIn,
  request: { url: string; headers: IncomingMessage['headers']; body: string },
) => { status: number; headers?: Record<string, string>; body: unknown };

async function start(answer: Answer): Promise<CdnStandIn> {
  const listen = async (message: IncomingMessage, response: ServerResponse) => {
    let body = '';
    for await (const chunk of message.setEncoding('utf8')) body += chunk;
    const { url = '', headers } = message;
    const { status, headers: own, body: said } = answer(cdn, { url, headers, body });
    response.writeHead(status, { 'content-type': 'application/json', ...own }).end(JSON.stringify(said));
  };
  const server = createServer((message, response) => void listen(message, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cdn: CdnStandIn = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    key: 's3cret',
    cached: new Set(),
    requests: [],
    refused: 0,
    restMs: 0,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return cdn;
}

/** It ignores keys silently that it does not take, and more than 256 of them. */
export const startFastly = () =>
  start((cdn, { url, headers, body }) => {
    if (headers['fastly-key'] !== cdn.key)
      return { status: 401, body: { msg: 'Provided credentials are missing or invalid' } };
    if (url === '/service/SERVICE_ID/purge_all') {
      cdn.cached.clear();
      return { status: 200, body: { status: 'ok' } };
    }
    if (url !== '/service/SERVICE_ID/purge') return { status: 404, body: { msg: 'Record not found' } };
    const { surrogate_keys: keys } = JSON.parse(body) as { surrogate_keys: string[] };
    cdn.requests.push(keys.length);
    const taken = keys.slice(0, 256).filter((key) => /^[\x21-\x7e]{1,1024}$/.test(key));
    for (const key of taken) cdn.cached.delete(key);
    return { status: 200, body: Object.fromEntries(taken.map((key, nth) => [key, `108-1391560174-${nth}`])) };
  });

/** It has a bucket of requests, and takes a hundred urls in each. */
export const startCloudflare = () => {
  let restsUntil = Number.NEGATIVE_INFINITY;
  let hasAsked = false;
  let tokens = 1;
  let filledAt = performance.now();
  return start((cdn, { url, headers, body }) => {
    const fail = (status: number, message: string, more: Record<string, string> = {}) => ({
      status,
      headers: more,
      body: { success: false, errors: [{ message }] },
    });
    if (headers.authorization !== `Bearer ${cdn.key}`) return fail(403, 'Authentication error');
    if (url !== '/client/v4/zones/ZONE_ID/purge_cache') return fail(404, 'No route for that URI');
    const now = performance.now();
    if (cdn.restMs > 0 && !hasAsked) restsUntil = now + cdn.restMs;
    hasAsked = true;
    // A timer may be a few milliseconds early by another clock.
    tokens = Math.min(25, tokens + ((now - filledAt) * 9) / 1_000);
    filledAt = now;
    if (now < restsUntil - 5 || tokens < 1) {
      cdn.refused += 1;
      return fail(429, 'Rate limited', { 'retry-after': String(Math.ceil(cdn.restMs / 1_000) || 1) });
    }
    tokens -= 1;
    const asked = JSON.parse(body) as { files?: string[]; purge_everything?: boolean };
    if (asked.purge_everything) cdn.cached.clear();
    const { files = [] } = asked;
    if (files.length > 100) return fail(400, 'You may only purge up to 100 urls at a time');
    cdn.requests.push(files.length);
    for (const file of files) cdn.cached.delete(file);
    return { status: 200, body: { success: true, errors: [], result: { id: 'ZONE_ID' } } };
  });
};
