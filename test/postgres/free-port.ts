import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

const [first, end] = [20_000, 32_000];

/**
 * Test files that run at the same time take ports from different parts of the range: a port that one of them
 * has may be unused for a while, before its server listens or while it restarts.
 */
const parts = 8;
const size = (end - first) / parts;
let taken = randomInt(size);

/**
 * A TCP port on 127.0.0.1 that nobody listens to. A process that is not part of this test run may take it
 * before the caller does.
 *
 * It is below the ephemeral ports (on Linux: from 32768). A client that keeps connecting to an ephemeral port
 * of a server that is down can be given that same port as its own, and then talks to itself.
 */
export async function freePort(): Promise<number> {
  const part = first + size * (Number(process.env.VITEST_POOL_ID ?? 0) % parts);
  for (let attempt = 1; attempt <= 50; attempt++) {
    const port = part + (taken++ % size);
    if (await isFree(port)) return port;
  }
  throw new Error(`Cannot find a free TCP port on 127.0.0.1: 50 of 50 from ${part} on were taken`);
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
