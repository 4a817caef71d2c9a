import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A process that answers each request with 200: the target of purges where there is no Varnish. */
const server = createServer((request, response) => {
  request.resume();
  response.end('Purged');
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
