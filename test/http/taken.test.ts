import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { openServer } from '../../src/http/server.ts';
import { freePort } from '../postgres/free-port.ts';

const watched = {
  metrics: async () => ({ contentType: '', text: '' }),
  status: () => Promise.reject(new Error('nobody asks')),
  history: () => [],
};

it('tries a port that is taken any number of times, and leaves nothing behind', async () => {
  const warnings: Error[] = [];
  const warned = (warning: Error) => warnings.push(warning);
  process.on('warning', warned);
  const port = await freePort();
  const squatter = createServer().listen(port, '127.0.0.1');
  await once(squatter, 'listening');
  let waits = 0;
  const clock = {
    now: () => 0,
    async wait() {
      waits += 1;
      if (waits === 20) await new Promise((resolve) => squatter.close(resolve));
    },
  };
  const told: string[] = [];
  let serving = () => {};
  const served = new Promise<void>((resolve) => {
    serving = resolve;
  });
  const server = openServer({
    watched,
    clock,
    observe({ kind }) {
      told.push(kind);
      if (kind === 'serving') serving();
    },
  });
  try {
    await server.listenAt({ host: '127.0.0.1', port });
    await served;
    // A warning comes one turn of the event loop later.
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual(['not-serving', 'serving']);
    expect(warnings.map(({ name }) => name)).toEqual([]);
  } finally {
    process.off('warning', warned);
    await server.close();
  }
});
