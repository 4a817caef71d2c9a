import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openClient, type Send } from '../../../src/caches/purge/http-client.ts';
import { parseRequest } from '../../../src/caches/purge/request-template.ts';
import { parseAddress } from '../../../src/caches/purge/target-address.ts';
import { type Certificate, makeCertificate, opensslFound } from '../../faults/certificate.ts';

const servers: { close(): unknown; closeAllConnections?(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections?.();
    server.close();
  }
});

async function clientOf(
  server: Server | ReturnType<typeof createTcpServer>,
  timeoutMs = 5_000,
): Promise<Send> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return openClient(parseAddress(`http://127.0.0.1:${port}`), { connections: 4, timeoutMs });
}

const http = (listener: RequestListener, timeoutMs?: number) => clientOf(createServer(listener), timeoutMs);

/** Answers with raw bytes. */
function raw(answer: (socket: Socket) => void, timeoutMs?: number): Promise<Send> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => answer(socket));
  });
  servers.push({ close: () => sockets.forEach((socket) => void socket.destroy()) });
  return clientOf(server, timeoutMs);
}

const request = { method: 'PURGE', path: "/a%2Fb/?c=d&e;f'(+)*", headers: { host: 'www.example.org' } };

describe('a request', () => {
  it('arrives as it is written, and keeps the connection', async () => {
    const seen: string[] = [];
    const sockets = new Set<unknown>();
    const send = await http((message, response) => {
      sockets.add(message.socket);
      seen.push(`${message.method} ${message.url} ${message.headers.host}`);
      response.writeHead(200, 'Purged', { 'x-cache': 'none' }).end('body');
    });
    expect(await send(request)).toMatchObject({ status: 200, reason: 'Purged', body: 'body' });
    await send(request);
    expect(seen).toEqual(Array(2).fill("PURGE /a%2Fb/?c=d&e;f'(+)* www.example.org"));
    expect(sockets.size).toBe(1);
  });

  it('carries a body of a known length, whatever its method', async () => {
    const seen: unknown[] = [];
    const send = await http(async (message, response) => {
      let body = '';
      for await (const chunk of message.setEncoding('utf8')) body += chunk;
      const { 'content-length': length, 'transfer-encoding': coding } = message.headers;
      seen.push([message.method, body, length, coding]);
      response.end();
    });
    const { fill } = parseRequest('DELETE /x', [], '{"keys": {tags}}');
    await send(fill({ works: ['a', 'b'] }));
    await send(parseRequest('POST /x', [], '[{tag}]').fill({ works: ['a'] }));
    expect(seen).toEqual([
      ['DELETE', '{"keys": ["a","b"]}', '19', undefined],
      ['POST', '["a"]', '5', undefined],
    ]);
  });

  it('does not follow a redirect', async () => {
    let requests = 0;
    const send = await http((_message, response) => {
      requests += 1;
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect(await send(request)).toMatchObject({ status: 302, headers: { location: '/elsewhere' } });
    expect(requests).toBe(1);
  });

  it('is sent again where the server has just closed an idle connection', async () => {
    let connections = 0;
    const server = createTcpServer((socket) => {
      connections += 1;
      socket.on('error', () => {});
      // The second request on a connection finds it reset.
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        socket.once('data', () => socket.resetAndDestroy());
      });
    });
    const send = await clientOf(server);
    await send(request);
    expect(await send(request)).toMatchObject({ status: 200 });
    expect(connections).toBe(2);
  });

  it.each([
    ['nothing comes', () => {}],
    [
      'bytes drip',
      (socket: Socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        const drip = setInterval(() => socket.write('x'), 20);
        socket.on('close', () => clearInterval(drip));
      },
    ],
  ])('is given up in time when %s', async (_what, answer) => {
    const send = await raw(answer, 300);
    await expect(send(request)).rejects.toThrow('no answer within 0.3 s');
  });

  it.each([
    ['reset', (socket: Socket) => void socket.resetAndDestroy()],
    ['closed', (socket: Socket) => void socket.end()],
    [
      'half an answer',
      (socket: Socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf'),
    ],
    ['garbage', (socket: Socket) => void socket.end('220 smtp ready\r\n')],
    [
      'an endless header',
      (socket: Socket) => void socket.end(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(40_000)}\r\n\r\n`),
    ],
  ])('fails when the answer is %s', async (_what, answer) => {
    await expect((await raw(answer))(request)).rejects.toThrow();
  });

  it('reads no more than the beginning of an endless answer', async () => {
    const send = await http((_message, response) => {
      const fill = () => {
        while (response.write('x'.repeat(10_000)));
      };
      response.on('drain', fill);
      fill();
    });
    expect((await send(request)).body).toHaveLength(65_536);
  });
});

describe.skipIf(!opensslFound)('https', () => {
  let certificate: Certificate;
  beforeAll(() => {
    certificate = makeCertificate('DNS:localhost');
  });
  afterAll(() => certificate.remove());

  async function serve(): Promise<string> {
    const [key, cert] = [certificate.key, certificate.certificate].map((file) => readFileSync(file));
    const server = createHttpsServer({ key, cert }, (_message, response) => response.end('tls'));
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `https://localhost:${(server.address() as AddressInfo).port}`;
  }

  it('is verified, against the authorities of the section if it names some', async () => {
    const address = parseAddress(await serve());
    const options = { connections: 1, timeoutMs: 5_000 };
    await expect(openClient(address, options)(request)).rejects.toThrow('self-signed certificate');
    const send = openClient(address, { ...options, authorities: readFileSync(certificate.certificate) });
    expect(await send({ ...request, headers: {} })).toMatchObject({ status: 200, body: 'tls' });
  });

  it('is verified whatever the environment says', async () => {
    const script = `
      import { openClient } from './dist/caches/purge/http-client.js';
      import { parseAddress } from './dist/caches/purge/target-address.js';
      const send = openClient(parseAddress('${await serve()}'), { connections: 1, timeoutMs: 5000 });
      await send({ method: 'PURGE', path: '/', headers: {} }).then(({ body }) => console.log(body), (error) => console.log(error.code));
      process.exit();`;
    const env = { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { env });
    let printed = '';
    for await (const chunk of child.stdout) printed += chunk;
    expect(printed.trim()).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
  });
});
