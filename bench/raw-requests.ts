import { connect, type Socket } from 'node:net';

/** Sends requests over so many sockets, one after the other on each. Resolves when all are answered with 200. */
export async function sendRaw(port: number, requests: readonly string[], sockets: number): Promise<void> {
  const left = requests.values();
  await Promise.all(Array.from({ length: sockets }, () => sendOn(connect(port, '127.0.0.1'), left)));
}

function sendOn(socket: Socket, left: Iterator<string>): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = '';
    const sendNext = () => {
      const { value, done } = left.next();
      if (done) socket.end(resolve);
      else socket.write(value);
    };
    socket.on('error', reject);
    socket.on('connect', sendNext);
    socket.setNoDelay(true);
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
      const whole = lengthOf(received);
      if (whole === undefined || received.length < whole) return;
      if (!received.startsWith('HTTP/1.1 200 ')) return reject(new Error(`Cannot measure: ${received}`));
      received = '';
      sendNext();
    });
  });
}

/** Of the answer with its body; undefined while its header is not whole. */
function lengthOf(received: string): number | undefined {
  const header = received.indexOf('\r\n\r\n');
  if (header < 0) return undefined;
  const [, length = '0'] = /\r\ncontent-length: (\d+)/i.exec(received) ?? [];
  return header + 4 + Number(length);
}
