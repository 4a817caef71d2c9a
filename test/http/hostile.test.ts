import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startUncached } from '../uncached.ts';
import { get } from './get.ts';
import { configure, daemon, port, start, startFrom } from './serving.ts';

/** Sends bytes, and resolves with the answer once the connection ends. */
function send(bytes: string): Promise<string> {
  return new Promise((done) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes, 'latin1'));
    socket.setEncoding('latin1').on('data', (data) => {
      text += data;
    });
    socket.on('error', () => {});
    socket.once('close', () => done(text));
  });
}

const host = 'Host: localhost\r\n';

const requests: readonly (readonly [what: string, bytes: string, answer: RegExp])[] = [
  ['no HTTP at all', 'hello\r\n\r\n', /^HTTP\/1.1 400 /],
  ['control characters in the header', `GET / HTTP/1.1\r\nHost: a\x01b\r\n\r\n`, /^HTTP\/1.1 4\d\d /],
  ['a name that would speak to a terminal', 'GET / HTTP/1.1\r\nHost: \x9b31m\r\n\r\n', /not as \\u009b31m/],
  ['no name', 'GET /healthz HTTP/1.0\r\n\r\n', /^HTTP\/1.1 200 /],
  ['an address that is none', `GET http://[ HTTP/1.1\r\n${host}\r\n`, /^HTTP\/1.1 404 /],
  ['a path that is no UTF-8', `GET /%ff\xff HTTP/1.1\r\n${host}\r\n`, /^HTTP\/1.1 4\d\d /],
  ['a path of 100 kB', `GET /${'a'.repeat(100_000)} HTTP/1.1\r\n${host}\r\n`, /^(HTTP\/1.1 431 .*)?/],
  ['the name of what every object has', `GET __proto__ HTTP/1.1\r\n${host}\r\n`, /^HTTP\/1.1 4\d\d /],
  ['a tunnel', `CONNECT localhost:1 HTTP/1.1\r\n${host}\r\n`, /^$/],
  [
    'another protocol',
    `GET /healthz HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    /^HTTP\/1.1 200 /,
  ],
  [
    'two lengths',
    `GET / HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`,
    /^HTTP\/1.1 400 /,
  ],
  [
    'a body that never comes',
    `POST / HTTP/1.1\r\n${host}Content-Length: 1000000000\r\n\r\n`,
    /^HTTP\/1.1 405 /,
  ],
  ['the head of events', `HEAD /events HTTP/1.1\r\n${host}\r\n`, /^HTTP\/1.1 200 /],
];

it('is asked in whatever words, and serves the next one', async () => {
  await start();
  for (const [what, bytes, answer] of requests) {
    expect(await send(bytes), what).toMatch(answer);
    expect((await get(port, '/healthz')).status, what).toBe(200);
  }
  expect(daemon.complaints()).toBe('');
});

describe('without its page', () => {
  let copy: string;
  afterEach(() => rmSync(copy, { recursive: true }));

  it('serves the rest, and says what is missing once', async () => {
    copy = mkdtempSync(join(tmpdir(), 'uncached-without-page-'));
    const here = resolve(import.meta.dirname, '../..');
    cpSync(join(here, 'dist'), join(copy, 'dist'), { recursive: true });
    for (const name of ['package.json', 'node_modules', 'sql'])
      symlinkSync(join(here, name), join(copy, name));
    await startFrom(startUncached(configure(), {}, { program: join(copy, 'dist/program/main.js') }));
    await daemon.until('serving', ({ event }) => event === 'serving');
    for (const path of ['/', '/page/main.js'])
      expect(await get(port, path)).toMatchObject({
        status: 503,
        body: expect.stringMatching(/missing.*\/metrics/),
      });
    for (const path of ['/healthz', '/readyz', '/metrics', '/status.json'])
      expect([path, (await get(port, path)).status]).toEqual([path, 200]);
    expect((await get(port, '/nothing')).status).toBe(404);
    const told = daemon.log.filter(({ msg }) =>
      /status page cannot be read .*ENOENT.*install uncached again/.test(msg),
    );
    expect(told).toHaveLength(1);
  });
});
