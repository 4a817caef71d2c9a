import { createServer, type Server } from 'node:http';
import { backoffMs } from '../core/backoff.ts';
import { type Address, formatAddress } from '../core/configuration.ts';
import type { Clock } from '../core/contracts.ts';
import type { StatusSource } from '../core/daemon-status.ts';
import { errorCode, toError } from '../core/errors.ts';
import type { Fact, Observe } from '../core/events.ts';
import { type Limits, type Timings, usualTimings } from '../core/timings.ts';
import { Connections } from './connections.ts';
import { requestListener } from './routes.ts';
import { shareAnswers } from './shared-answers.ts';
import { readStaticFiles } from './static-files.ts';
import { Streams } from './stream.ts';

export interface HttpServer {
  /**
   * Serves at this address from now on, and nowhere without an address. A port that is taken is retried until
   * it is free. If it cannot serve, each call reports that: after a reload problems begin from nothing.
   */
  listenAt(address: Address | undefined): Promise<void>;
  close(): Promise<void>;
}

interface ServerOptions {
  readonly watched: StatusSource;
  readonly observe: Observe;
  readonly clock: Clock;
  readonly timings?: Pick<Timings, 'backoff' | 'reporting'>;
}

export function openServer(context: ServerOptions): HttpServer {
  let place = '';
  let leave = new AbortController();
  let serving = Promise.resolve();
  let failure: Fact | undefined;

  function observe(fact: Fact): void {
    failure = fact.kind === 'not-serving' ? fact : undefined;
    context.observe(fact);
  }

  async function listenAt(address: Address | undefined): Promise<void> {
    const next = address ? formatAddress(address) : '';
    if (next === place) {
      if (failure) observe(failure);
      return;
    }
    place = next;
    leave.abort();
    // The new address may have the old port.
    await serving;
    // Called again in the meantime: the last call counts.
    if (place !== next) return;
    failure = undefined;
    leave = new AbortController();
    if (address) serving = serveAt(address, { ...context, observe }, leave.signal);
  }

  return { listenAt, close: () => listenAt(undefined).then(() => serving) };
}

async function serveAt(
  address: Address,
  { watched, observe, clock, timings = usualTimings }: ServerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { http } = timings.reporting;
  const shared = shareAnswers(watched);
  const streams = new Streams(shared, clock, http.streamMs);
  const connections = new Connections();
  const page = readStaticFiles();
  if (page.problem !== undefined) observe({ kind: 'notice', text: page.problem });
  const server = createServer(
    {
      headersTimeout: http.headersMs,
      requestTimeout: http.requestMs,
      keepAliveTimeout: http.keepAliveMs,
      connectionsCheckingInterval: http.checkMs,
    },
    requestListener(address, { watched: shared, page, streams, connections }),
  );
  server.on('connection', (socket) => connections.add(socket));
  server.timeout = http.unreadMs;
  if (!(await listen(server, address, { observe, clock, backoff: timings.backoff, signal }))) return;
  // For example too many open files: this client is refused, and the next one may succeed.
  server.on('error', () => {});
  observe({ kind: 'serving', url: `http://${formatAddress(address)}/` });
  await new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', resolve);
  });
  streams.close();
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
}

/** False if the signal aborts first. */
async function listen(
  server: Server,
  address: Address,
  {
    observe,
    clock,
    backoff,
    signal,
  }: { observe: Observe; clock: Clock; backoff: Limits; signal: AbortSignal },
): Promise<boolean> {
  let reported = '';
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      await new Promise<void>((resolve, reject) => {
        const listening = () => {
          server.off('error', failed);
          resolve();
        };
        // Otherwise each attempt would leave a listener on one of them behind.
        const failed = (error: Error) => {
          server.off('listening', listening);
          reject(error);
        };
        server.once('error', failed).once('listening', listening).listen(address);
      });
      return true;
    } catch (thrown) {
      const error = formatListenError(toError(thrown), address);
      const retryMs = backoffMs(attempt, backoff);
      if (reported !== error.message) observe({ kind: 'not-serving', error, retryMs });
      reported = error.message;
      await clock.wait(retryMs, signal).catch(() => {});
    }
  }
  return false;
}

const advice: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken: stop what has it (ss -ltnp, on FreeBSD sockstat -l), or choose another one',
  EACCES: 'this user may not use the port: choose one above 1023',
  EADDRNOTAVAIL: 'this machine has no such address: choose one that it has',
  ENOTFOUND: 'the name is unknown: write an address, such as 127.0.0.1',
};

function formatListenError(cause: Error, address: Address): Error {
  const what = advice[errorCode(cause) ?? ''] ?? cause.message;
  return new Error(
    `Cannot serve the status page at ${formatAddress(address)}: ${what} ([http] listen, then SIGHUP)`,
  );
}
