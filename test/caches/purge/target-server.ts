import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A target that notes what it is asked, and answers as told. */
export interface TargetServer {
  readonly address: string;
  /** Method and path of each request, and when it came. */
  readonly requests: { readonly what: string; readonly at: number }[];
  /** By default: it is purged. */
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  close(): void;
}

/** @param port where it was before */
export async function startTarget(port = 0): Promise<TargetServer> {
  const requests: TargetServer['requests'] = [];
  const server = createServer((request, response) => {
    requests.push({ what: `${request.method} ${request.url}`, at: performance.now() });
    target.answer(request, response);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const target: TargetServer = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (_request, response) => void response.end('Purged'),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return target;
}
