import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A TCP port on 127.0.0.1 that nobody listens to. Another process may take it before the caller does.
 *
 * It is below the ephemeral ports (on Linux: from 32768). A client that keeps connecting to an ephemeral port
 * of a server that is down can be given that same port as its own, and then talks to itself.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 1; attempt <= 50; attempt++) {
    const port = randomInt(20_000, 32_000);
    if (await isFree(port)) return port;
  }
  throw new Error('Cannot find a free TCP port on 127.0.0.1: 50 of 50 between 20000 and 32000 were taken');
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
