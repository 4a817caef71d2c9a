import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The open status pages (stream.ts), and three times as many again. */
const mostConnections = 200;

/**
 * Unanswered requests on one connection, or requests whose answers are not read. The next request of a client
 * that reads may arrive before it has read the last answer.
 */
const mostAtOnce = 2;

/** Bytes of unread answers, of all connections. */
const mostUnread = 32 << 20;

interface Connection {
  asked: boolean;
  unanswered: number;
  unread: number;
}

/**
 * Makes room: a new client is always accepted, and the connection that is used least is ended. A monitor
 * sends its request as soon as it is connected, so connections that are held open without use, or fed a byte
 * at a time, are ended before it.
 */
export class Connections {
  /** The longest unused first. */
  readonly #open = new Map<Socket, Connection>();
  #makesRoom = false;

  add(socket: Socket): void {
    this.#open.set(socket, { asked: false, unanswered: 0, unread: 0 });
    socket.once('close', () => this.#open.delete(socket));
    if (this.#makesRoom || this.#open.size <= mostConnections) return;
    this.#makesRoom = true;
    // Hundreds may be accepted in one turn of the event loop, a monitor among them. What it asks is read in
    // the next turn, and it must not be ended before. The backlog of the socket bounds how many wait so long.
    setImmediate(() => setImmediate(() => this.#makeRoom()));
  }

  #makeRoom(): void {
    this.#makesRoom = false;
    while (this.#open.size > mostConnections) this.#end(this.#leastUsed());
  }

  /**
   * False for a request that is not answered: its connection is ending, or sends more requests than it reads
   * answers.
   */
  admits({ socket }: IncomingMessage, response: ServerResponse): boolean {
    const connection = this.#open.get(socket);
    if (!connection || socket.destroyed) return false;
    if (connection.unanswered >= mostAtOnce) {
      this.#end(socket);
      return false;
    }
    connection.asked = true;
    connection.unanswered += 1;
    response.once('close', () => {
      connection.unanswered -= 1;
      if (this.#open.delete(socket)) this.#open.set(socket, connection);
    });
    return true;
  }

  /**
   * An answer of so many bytes begins. When too many bytes are unread, the connections with the most of them
   * are ended.
   */
  sends({ socket }: IncomingMessage, response: ServerResponse, bytes: number): void {
    const connection = this.#open.get(socket);
    if (!connection) return;
    connection.unread += bytes;
    response.once('close', () => {
      connection.unread -= bytes;
    });
    while (this.#unread() > mostUnread) {
      const [slowest] = [...this.#open].sort(([, a], [, b]) => b.unread - a.unread);
      this.#end(slowest?.[0]);
    }
  }

  #unread(): number {
    let sum = 0;
    for (const { unread } of this.#open.values()) sum += unread;
    return sum;
  }

  #end(socket: Socket | undefined): void {
    if (!socket) return;
    this.#open.delete(socket);
    socket.destroy();
  }

  #leastUsed(): Socket | undefined {
    return (
      this.#first(({ asked }) => !asked) ??
      this.#first(({ unanswered }) => unanswered === 0) ??
      this.#first(() => true)
    );
  }

  #first(fits: (connection: Connection) => boolean): Socket | undefined {
    for (const [socket, connection] of this.#open) {
      if (fits(connection)) return socket;
    }
    return undefined;
  }
}
