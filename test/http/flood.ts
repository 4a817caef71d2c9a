import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

/* Those who would have the daemon to themselves. They say nothing when they are ended. */

/** A connection that reads nothing. */
function open(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.pause();
  return socket.on('error', () => {});
}

const head = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

/**
 * As a browser does; a flood from one process that came back sooner would be the test's own load, not the
 * daemon's.
 */
const againMs = 1_000;

/**
 * Keeps something going on so many connections, each of which is replaced when it is ended; returns how to
 * end it all.
 */
export function hold(count: number, port: number, use: (socket: Socket) => void): () => void {
  const sockets = new Set<Socket>();
  let over = false;
  const begin = () => {
    if (over) return;
    const socket = open(port);
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      setTimeout(begin, againMs);
    });
    use(socket);
  };
  for (let n = 0; n < count; n++) begin();
  return () => {
    over = true;
    for (const socket of sockets) socket.destroy();
  };
}

export const readEvents = (socket: Socket) => {
  socket.resume();
  socket.write(head('/events'));
};

/** A byte of a header that never ends, now and then. */
export const dawdle = (socket: Socket) => {
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nX: ');
  const timer = setInterval(() => socket.write('x'), 200);
  socket.once('close', () => clearInterval(timer));
};

/** Requests, one behind the other, of which no answer is read. */
export const pipeline = (path: string) => (socket: Socket) => {
  const many = head(path).repeat(1_000);
  const more = () => {
    while (!socket.destroyed && socket.write(many));
  };
  socket.on('drain', more);
  socket.once('connect', more);
};

/** Sends so many requests and reads no answer; resolves when all are sent or the connection is ended. */
export function pipelineOnce(port: number, path: string, requests: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = open(port);
    socket.once('close', () => resolve());
    socket.write(head(path).repeat(requests), () => resolve());
  });
}

/** The most memory that a process has had, in bytes. */
export function peakMemory(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024;
}
