import { createServer, type Server } from 'node:http';
import { backoffMs } from '../core/backoff.ts';
import { type Address, formatAddress } from '../core/configuration.ts';
import type { Clock } from '../core/contracts.ts';
import { errorCode, toError } from '../core/errors.ts';
import type { Observe } from '../core/events.ts';
import type { Watched } from '../core/status.ts';
import { answers } from './answer.ts';
import { Streams } from './stream.ts';

export interface HttpServer {
  /** Serves there from now on, and nowhere without an address. A port that is taken is tried until it is free. */
  moveTo(address: Address | undefined): Promise<void>;
  close(): Promise<void>;
}

type Means = { watched: Watched; observe: Observe; clock: Clock };

export function openServer(means: Means): HttpServer {
  let place = '';
  let leave = new AbortController();
  let serving = Promise.resolve();

  async function moveTo(address: Address | undefined): Promise<void> {
    const next = address ? formatAddress(address) : '';
    if (next === place) return;
    place = next;
    leave.abort();
    // The new address may be the old port.
    await serving;
    leave = new AbortController();
    if (address) serving = serveAt(address, means, leave.signal);
  }

  return { moveTo, close: () => moveTo(undefined).then(() => serving) };
}

async function serveAt(
  address: Address,
  { watched, observe, clock }: Means,
  signal: AbortSignal,
): Promise<void> {
  const streams = new Streams(watched, clock);
  const server = createServer(answers(address, watched, streams));
  server.maxConnections = mostConnections;
  if (!(await listen(server, address, { observe, clock, signal }))) return;
  // Too many open files, for one: whoever asked is turned away, and the next one may be lucky.
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

const mostConnections = 100;

/** False if the signal aborts first. */
async function listen(
  server: Server,
  address: Address,
  { observe, clock, signal }: { observe: Observe; clock: Clock; signal: AbortSignal },
): Promise<boolean> {
  let told = '';
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(address, () => {
          server.off('error', reject);
          resolve();
        });
      });
      return true;
    } catch (thrown) {
      const error = inWords(toError(thrown), address);
      const retryMs = backoffMs(attempt);
      if (told !== error.message) observe({ kind: 'not-serving', error, retryMs });
      told = error.message;
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

function inWords(cause: Error, address: Address): Error {
  const what = advice[errorCode(cause) ?? ''] ?? cause.message;
  return new Error(
    `Cannot serve the status page at ${formatAddress(address)}: ${what} ([http] listen, then SIGHUP)`,
  );
}
