import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import type { Status, StatusSource } from '../../src/core/daemon-status.ts';
import { systemClock } from '../../src/daemon/system-clock.ts';
import { openServer } from '../../src/http/server.ts';
import { freePort } from '../postgres/free-port.ts';
import { get } from './get.ts';

const megabytes = 10;
const watched: StatusSource = {
  metrics: async () => ({ contentType: 'text/plain', text: 'x'.repeat(megabytes * 2 ** 20) }),
  status: async () => ({}) as Status,
  history: () => [],
};

const request = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n';

/**
 * Sends two requests, and reads when asked to. Resolves with the number of bytes received before the
 * connection ended.
 */
function asker(port: number) {
  const socket = connect(port, '127.0.0.1', () => socket.write(request.repeat(2)));
  socket.pause();
  socket.on('error', () => {});
  const ended = once(socket, 'close');
  let bytes = 0;
  return {
    connected: once(socket, 'connect'),
    async read() {
      socket.on('data', (data) => {
        bytes += data.length;
        if (bytes > 2 * megabytes * 2 ** 20) socket.destroy();
      });
      socket.resume();
      await ended;
      return bytes;
    },
  };
}

it('keeps 32 MB for those who read nothing, and ends those who have the most of it', async () => {
  const port = await freePort();
  let say = (_: unknown) => {};
  const serving = new Promise((resolve) => {
    say = resolve;
  });
  const server = openServer({ watched, observe: say, clock: systemClock });
  try {
    await server.listenAt({ host: '127.0.0.1', port });
    await serving;
    const askers = Array.from({ length: 20 }, () => asker(port));
    await Promise.all(askers.map(({ connected }) => connected));
    expect((await get(port, '/metrics')).body.length).toBe(megabytes * 2 ** 20);
    const read = await Promise.all(askers.map((asker) => asker.read()));
    const whole = read.filter((bytes) => bytes > 2 * megabytes * 2 ** 20);
    expect(whole.length).toBeLessThanOrEqual(3);
  } finally {
    await server.close();
  }
});
