import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { beforeEach, expect, it } from 'vitest';
import { Connections } from '../../src/http/connections.ts';

const mostConnections = 200;
const mostUnread = 32 << 20;

class MadeUpSocket extends EventEmitter {
  destroyed = false;

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

let connections: Connections;

beforeEach(() => {
  connections = new Connections();
});

function connect(): MadeUpSocket {
  const socket = new MadeUpSocket();
  connections.add(socket as unknown as Socket);
  return socket;
}

/** Requests this many bytes of response, which the client does not read until the response is closed. */
function ask(socket: MadeUpSocket, bytes = 0): { admitted: boolean; close: () => void } {
  const response = new EventEmitter();
  const request = { socket } as unknown as IncomingMessage;
  const answer = response as unknown as ServerResponse;
  const admitted = connections.admits(request, answer);
  if (admitted) connections.sends(request, answer, bytes);
  return { admitted, close: () => response.emit('close') };
}

/** Room is made after the requests of the new connections have been read. */
const roomIsMade = () => new Promise<void>((done) => setImmediate(() => setImmediate(done)));

const ended = (sockets: readonly MadeUpSocket[]) =>
  sockets.flatMap(({ destroyed }, at) => (destroyed ? [at] : []));

it('admits a new connection in place of the one that has asked nothing for the longest time', async () => {
  const sockets = Array.from({ length: mostConnections }, connect);
  ask(sockets[0] ?? connect()).close();
  expect(ended(sockets)).toEqual([]);
  const next = connect();
  await roomIsMade();
  expect(ended(sockets)).toEqual([1]);
  expect(ask(next).admitted).toBe(true);
});

it('ends the one whose last answer is the oldest when all have asked, and none that is being answered before it', async () => {
  const sockets = Array.from({ length: mostConnections }, connect);
  const answers = sockets.map((socket) => ask(socket));
  answers[7]?.close();
  answers[3]?.close();
  ask(connect());
  await roomIsMade();
  expect(ended(sockets)).toEqual([7]);
});

it('reads what a client asks before it is ended for others that were accepted in the same turn', async () => {
  const sockets = Array.from({ length: mostConnections + 100 }, connect);
  const asked = new Promise<boolean>((done) =>
    setImmediate(() => done(ask(sockets[0] ?? connect()).admitted)),
  );
  await roomIsMade();
  expect(await asked).toBe(true);
  expect(ended(sockets)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
});

it('forgets connections that are closed', async () => {
  const sockets = Array.from({ length: mostConnections }, connect);
  sockets[5]?.destroy();
  connect();
  await roomIsMade();
  expect(ended(sockets)).toEqual([5]);
});

it('ends a connection that asks a third time without reading, and answers nothing on it any more', () => {
  const socket = connect();
  const first = ask(socket);
  expect([first.admitted, ask(socket).admitted]).toEqual([true, true]);
  first.close();
  expect(ask(socket).admitted).toBe(true);
  expect(socket.destroyed).toBe(false);
  expect(ask(socket).admitted).toBe(false);
  expect(socket.destroyed).toBe(true);
  expect(ask(socket).admitted).toBe(false);
});

it('ends those who leave the most unread when too much is on its way', () => {
  const [little, much, more] = [connect(), connect(), connect()];
  ask(little, 1_000);
  ask(much, mostUnread / 2);
  const answer = ask(more, mostUnread / 2 - 1_000);
  expect(ended([little, much, more])).toEqual([]);
  answer.close();
  ask(more, mostUnread / 2);
  expect(ended([little, much, more])).toEqual([1]);
});
