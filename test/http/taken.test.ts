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

const neverEnding = (signal: AbortSignal) =>
  new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));

it('reports a port that is taken after each reload, and not once it is another one', async () => {
  const port = await freePort();
  const squatter = createServer().listen(port, '127.0.0.1');
  await once(squatter, 'listening');
  const told: string[] = [];
  let failed = () => {};
  const server = openServer({
    watched,
    clock: { now: () => 0, wait: (_ms, signal) => neverEnding(signal) },
    observe({ kind }) {
      told.push(kind);
      failed();
    },
  });
  try {
    const refused = new Promise<void>((resolve) => {
      failed = resolve;
    });
    await server.listenAt({ host: '127.0.0.1', port });
    await refused;
    await server.listenAt({ host: '127.0.0.1', port });
    expect(told).toEqual(['not-serving', 'not-serving']);
    await server.listenAt(undefined);
    await server.listenAt(undefined);
    expect(told).toHaveLength(2);
  } finally {
    squatter.close();
    await server.close();
  }
});

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
