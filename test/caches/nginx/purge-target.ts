import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A cache that is asked over HTTP, and acknowledges. */
interface PurgeTarget {
  readonly port: number;
  /** When each purge came. */
  readonly purges: number[];
  /** Until then nothing is answered. */
  held: Promise<void>;
  close(): void;
}

export async function startTarget(): Promise<PurgeTarget> {
  const server = createServer(async (_message, response) => {
    target.purges.push(performance.now());
    await target.held;
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const target: PurgeTarget = {
    port: (server.address() as AddressInfo).port,
    purges: [],
    held: Promise.resolve(),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return target;
}
