import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { freePort } from '../postgres/free-port.ts';
import { get } from './get.ts';
import { clear, configure, daemon, listenOn, port, site, start } from './serving.ts';

describe('the address', () => {
  it('is off by default', async () => {
    await start('');
    expect(daemon.log.filter(({ event }) => event === 'serving')).toEqual([]);
  });

  it('is on loopback for a port alone, moves with SIGHUP, and goes with its option', async () => {
    await start();
    expect((await daemon.until('serving', ({ event }) => event === 'serving')).url).toBe(
      `http://127.0.0.1:${port}/`,
    );
    const other = await freePort();
    configure(listenOn(other));
    process.kill(daemon.pid, 'SIGHUP');
    await daemon.until('move', ({ url }) => url === `http://127.0.0.1:${other}/`);
    expect((await get(other, '/healthz')).body).toBe('alive\n');
    await expect(get(port, '/healthz')).rejects.toThrow('ECONNREFUSED');

    configure('');
    process.kill(daemon.pid, 'SIGHUP');
    await eventually(
      'closed',
      () =>
        get(other, '/healthz').then(
          () => undefined,
          () => true,
        ),
      async () => 'it answers',
    );
  });

  it('that is taken is reported with what to do, stops no clearing, and is used once it is free', async () => {
    const squatter = createServer().listen(port, '127.0.0.1');
    await new Promise((resolve) => squatter.once('listening', resolve));
    await start();
    const { msg } = await daemon.until('complaint', ({ event }) => event === 'not-serving');
    expect(msg).toMatch(
      /Cannot serve the status page at 127\.0\.0\.1:\d+: the port is taken: stop what has it .*clearing continues without it/,
    );
    await clear('a');
    expect(site.pages()).toEqual([]);
    await new Promise((resolve) => squatter.close(resolve));
    await daemon.until('serving', ({ event }) => event === 'serving');
    expect((await get(port, '/healthz')).status).toBe(200);
  });
});

describe('answers', () => {
  it('GET and HEAD alone, for what there is, under the name it is served at', async () => {
    await start();
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const { status, headers } = await get(port, '/', { method });
      expect([method, status, headers.allow]).toEqual([method, 405, 'GET, HEAD']);
    }
    const head = await get(port, '/status.json', { method: 'HEAD' });
    expect([head.status, head.body]).toEqual([200, '']);
    for (const path of [
      '/nothing',
      '/page/../package.json',
      '/page/%2e%2e/package.json',
      '/page/',
      '/doc/',
      '/doc/../package.json',
      '//',
    ]) {
      expect([path, (await get(port, path)).status]).toEqual([path, 404]);
    }
    const document = await get(port, '/doc/usage.md');
    expect([document.status, document.headers['content-type']]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(document.body).toMatch(/^# Usage/);
    expect((await get(port, '/healthz?a=b')).status).toBe(200);
    for (const [host, status] of [
      ['localhost', 200],
      [`localhost:${port}`, 200],
      ['[::1]:1', 200],
      ['example.org', 421],
      ['127.0.0.1.example.org', 421],
    ] as const) {
      expect([host, (await get(port, '/status.json', { headers: { host } })).status]).toEqual([host, status]);
    }
  });
});
