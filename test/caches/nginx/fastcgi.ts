import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';

/** Record types of FastCGI. */
const types = { begin: 1, end: 3, stdin: 5, stdout: 6 } as const;

export interface FastCgi {
  readonly port: number;
  version: number;
  close(): void;
}

/** Answers each FastCGI request with the version of the site, which may be cached for an hour. */
export async function startFastCgi(): Promise<FastCgi> {
  const server = createServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      received = Buffer.concat([received, data]);
      while (received.length >= 8) {
        const length = received.readUInt16BE(4);
        const whole = 8 + length + received.readUInt8(6);
        if (received.length < whole) return;
        // The request ends with an empty part of its body.
        if (received[1] === types.stdin && length === 0)
          answer(socket, received.readUInt16BE(2), app.version);
        received = received.subarray(whole);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const app: FastCgi = {
    port: (server.address() as AddressInfo).port,
    version: 1,
    close: () => void server.close(),
  };
  return app;
}

function answer(socket: Socket, id: number, version: number): void {
  const headers = 'Status: 200 OK\r\nCache-Control: max-age=3600\r\nContent-Type: text/plain\r\n\r\n';
  socket.end(
    Buffer.concat([
      record(types.stdout, id, Buffer.from(`${headers}version ${version}`)),
      record(types.stdout, id, Buffer.alloc(0)),
      record(types.end, id, Buffer.alloc(8)),
    ]),
  );
}

function record(type: number, id: number, content: Buffer): Buffer {
  const header = Buffer.from([1, type, id >> 8, id & 255, content.length >> 8, content.length & 255, 0, 0]);
  return Buffer.concat([header, content]);
}
