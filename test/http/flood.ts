import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

/*
 * Clients that try to use up the daemon's connections. They report nothing when their connections are closed.
 */

/** A connection that reads nothing. */
function open(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.pause();
  return socket.on('error', () => {});
}

const head = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

/**
 * As a browser does. If a flood from one process reconnected sooner, it would measure the test's own load and
 * not the daemon's.
 */
const againMs = 1_000;

/**
 * Keeps `use` running on this many connections. Each one is replaced when it is closed. Returns a function
 * that ends them all.
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

/** Sends a byte of an endless header now and then. */
export const dawdle = (socket: Socket) => {
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nX: ');
  const timer = setInterval(() => socket.write('x'), 200);
  socket.once('close', () => clearInterval(timer));
};

/** Sends pipelined requests and reads no response. */
export const pipeline = (path: string) => (socket: Socket) => {
  const many = head(path).repeat(1_000);
  const more = () => {
    while (!socket.destroyed && socket.write(many));
  };
  socket.on('drain', more);
  socket.once('connect', more);
};

/** Sends this many requests and reads no response. Resolves when all are sent or the connection is closed. */
export function pipelineOnce(port: number, path: string, requests: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = open(port);
    socket.once('close', () => resolve());
    socket.write(head(path).repeat(requests), () => resolve());
  });
}

/** The peak memory of a process, in bytes. */
export function peakMemory(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024;
}
