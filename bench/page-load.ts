import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * A process with 32 readers of one page, which sends its rate and ends. It does as little as possible: all answers
 * are of the same length.
 */
const [port = '', path = '', etag = '', ms = ''] = process.argv.slice(2);
const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${etag ? `If-None-Match: ${etag}\r\n` : ''}\r\n`;
const first = connect(Number(port), '127.0.0.1', () => first.end(request));
const length = Buffer.concat(await first.toArray()).byteLength;
let answered = 0;
const begun = performance.now();
for (let reader = 0; reader < 32; reader++) read();
await wait(Number(ms));
process.send?.((answered * 1_000) / (performance.now() - begun), () => process.exit(0));

function read(): void {
  let received = 0;
  const socket = connect(Number(port), '127.0.0.1', () => socket.write(request));
  socket.on('data', ({ byteLength }) => {
    received += byteLength;
    if (received < length) return;
    received -= length;
    answered += 1;
    socket.write(request);
  });
}
