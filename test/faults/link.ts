import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { applicationOf, messagesOf, type Request, requestsOf } from './messages.ts';

/**
 * `request`: before the server has received it. `answer`: after the server has sent it, before the client has
 * it.
 */
export type Edge = 'request' | 'answer';

/** Called before something passes. True freezes the link, which then holds the message. */
export type Watch = (link: Link, request: Request, edge: Edge) => boolean;

/**
 * One proxied connection. When frozen it is half-open: both ends stay open, and neither receives the other's
 * bytes or end.
 */
export class Link {
  /** Empty until the start-up packet has arrived. */
  application = '';
  /** The pid of the server's process, for pg_terminate_backend. 0 until the server has answered. */
  backend = 0;
  delayMs = 0;
  /** How many TLS records the client has sent: encrypted traffic shows nothing else. */
  records = 0;
  #overTls = false;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #watch: Watch;
  readonly #cut = new AbortController();
  readonly #thaw = new EventEmitter().setMaxListeners(0);
  readonly #unanswered: Request[] = [];
  #frozen = false;

  constructor(client: Socket, server: Socket, watch: Watch) {
    this.#client = client;
    this.#server = server;
    this.#watch = watch;
    // Each pump gets only its own stream's error. An unhandled error of the other stream would end the run.
    for (const socket of [client, server]) socket.on('error', () => this.cut());
  }

  get isListener(): boolean {
    return /^uncached\b.*listener/.test(this.application);
  }

  /** The name in pg_stat_activity: `client_port`. */
  get port(): number {
    return this.#server.localPort ?? 0;
  }

  /** How many bytes the server has sent, including those that are held back. */
  get received(): number {
    return this.#server.bytesRead;
  }

  /** Resolves when both ends are closed. */
  async run(): Promise<void> {
    await Promise.all([this.#requests(), this.#answers()].map((pump) => pump.catch(() => this.cut())));
  }

  freeze(): void {
    this.#frozen = true;
  }

  thaw(): void {
    this.#frozen = false;
    this.#thaw.emit('thaw');
  }

  /** Both ends see a broken connection. */
  cut(): void {
    this.#cut.abort();
    this.#client.destroy();
    this.#server.destroy();
  }

  async #requests(): Promise<void> {
    for await (const request of requestsOf(this.#client)) {
      if (request.kind === 'tls') this.#overTls = true;
      if (request.kind === 'record') this.records += 1;
      if (request.kind === 'start-up') this.application = applicationOf(request);
      await this.#pass(request, 'request');
      if (request.kind === 'start-up' || request.kind === 'query') this.#unanswered.push(request);
      this.#server.write(request.bytes);
    }
    await this.#thawed();
    this.#server.end();
  }

  async #answers(): Promise<void> {
    let held: Buffer[] = [];
    for await (const { type, bytes } of messagesOf(this.#server, () => this.#overTls)) {
      if (type === 'K') this.backend = bytes.readUInt32BE(5);
      held.push(bytes);
      // An answer passes as a whole or not at all: the transaction is committed only when ReadyForQuery is
      // sent.
      const [request] = this.#unanswered;
      if (request && type !== 'Z') continue;
      if (request) await this.#pass(this.#unanswered.shift() ?? request, 'answer');
      else await this.#thawed();
      this.#client.write(Buffer.concat(held));
      held = [];
    }
    await this.#thawed();
    this.#client.end(Buffer.concat(held));
  }

  async #pass(request: Request, edge: Edge): Promise<void> {
    if (this.#watch(this, request, edge)) this.freeze();
    await this.#thawed();
    if (this.delayMs > 0) await wait(this.delayMs, undefined, { signal: this.#cut.signal });
  }

  async #thawed(): Promise<void> {
    while (this.#frozen) await once(this.#thaw, 'thaw', { signal: this.#cut.signal });
  }
}
