import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastWill } from '../last-will.ts';
import type { Connection } from '../postgres/connection.ts';
import { freePort } from '../postgres/free-port.ts';
import { within } from '../postgres/within.ts';
import { type Edge, Link, type Watch } from './link.ts';
import type { Request } from './messages.ts';
import { type Phase, phases } from './phases.ts';

export type Which = 'listener' | 'pool' | 'all';

interface Snare {
  readonly fits: Watch;
  left: number;
  caught(link: Link): void;
}

const catchMs = 100_000;

/** A proxy between the daemon and PostgreSQL that breaks connections: one, some, or all. */
export class FaultProxy {
  /** For the daemon's configuration. `database` and `user` are those of upstream. */
  readonly connection: Connection;
  readonly #upstream: Connection;
  readonly #links = new Set<Link>();
  readonly #snares = new Set<Snare>();
  readonly #remove: () => void;
  #server: Server | undefined;
  #frozen: Which | undefined;
  #delay: { which: Which; ms: number } = { which: 'all', ms: 0 };
  #held: { requests: RegExp; first: (link: Link) => void } | undefined;

  private constructor(upstream: Connection, connection: Connection, remove: () => void) {
    this.#upstream = upstream;
    this.connection = connection;
    this.#remove = remove;
  }

  /** Listens on a unix socket of its own, or on a port of 127.0.0.1. */
  static async open(upstream: Connection, { tcp = false } = {}): Promise<FaultProxy> {
    const directory = mkdtempSync(join(tmpdir(), 'uncached-proxy-'));
    const revoke = lastWill('rm -rf "$1"', directory);
    const address = tcp ? { host: '127.0.0.1', port: await freePort() } : { host: directory, port: 5432 };
    const proxy = new FaultProxy(upstream, { ...upstream, ...address }, () => {
      rmSync(directory, { recursive: true, force: true });
      revoke();
    });
    await proxy.heal();
    return proxy;
  }

  links(which: Which = 'all'): Link[] {
    return [...this.#links].filter((link) => isOf(link, which));
  }

  /** Makes connections half-open until heal(), future ones as well: they are accepted and receive nothing. */
  freeze(which: Which): void {
    this.#frozen = which;
    for (const link of this.links(which)) link.freeze();
  }

  /** Delays each request and each answer until heal(). */
  delay(which: Which, ms: number): void {
    this.#delay = { which, ms };
    for (const link of this.links(which)) link.delayMs = ms;
  }

  /**
   * Holds back each request whose text fits until heal(), also when it is sent again on another connection.
   * Resolves with the link of the first.
   */
  hold(requests: RegExp): Promise<Link> {
    return new Promise((first) => {
      this.#held = { requests, first };
    });
  }

  cut(which: Which): void {
    for (const link of this.links(which)) link.cut();
  }

  /**
   * Cuts all connections and stops listening until heal(). Clients get ECONNREFUSED, or ENOENT for a unix
   * socket.
   */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.close();
    this.cut('all');
    if (server?.listening) await once(server, 'close');
  }

  /** Everything passes again, including the data that was held back. */
  async heal(): Promise<void> {
    this.#frozen = undefined;
    this.#held = undefined;
    this.delay('all', 0);
    for (const link of this.#links) link.thaw();
    if (this.#server) return;
    const server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
    const { host, port } = this.connection;
    server.listen(host.startsWith('/') ? { path: socketPath(this.connection) } : { host, port });
    await once(server, 'listening');
    this.#server = server;
  }

  /**
   * Resolves with the link frozen in the phase: at the request, which the server has not received, or at the
   * answer, which the client has not received. The caller strikes, and then cuts or thaws it. Rejects when
   * the phase does not come.
   */
  at(phase: Phase, edge: Edge, nth = 1): Promise<Link> {
    return this.#catch(
      `the ${edge} of ${phase}`,
      (_, request, at) => at === edge && phases[phase].test(request.text),
      nth,
    );
  }

  /** Over TLS, where phases cannot be recognised: the link that is about to send its nth record, frozen. */
  atRecord(nth: number): Promise<Link> {
    return this.#catch(`record ${nth}`, (link, { kind }) => kind === 'record' && link.records === nth);
  }

  #catch(what: string, fits: Watch, left = 1): Promise<Link> {
    let snare: Snare | undefined;
    return within(catchMs, `catch ${what}`, () => {
      return new Promise<Link>((caught) => {
        snare = { fits, left, caught };
        this.#snares.add(snare);
      });
    }).finally(() => snare && this.#snares.delete(snare));
  }

  async close(): Promise<void> {
    await this.refuse();
    this.#remove();
  }

  async #accept(client: Socket): Promise<void> {
    const server = connect(
      this.#upstream.host.startsWith('/')
        ? { path: socketPath(this.#upstream), allowHalfOpen: true }
        : { host: this.#upstream.host, port: this.#upstream.port, allowHalfOpen: true },
    );
    const link = new Link(client, server, (...passing) => this.#watch(...passing));
    this.#links.add(link);
    await link.run();
    this.#links.delete(link);
  }

  #watch(link: Link, request: Request, edge: Edge): boolean {
    if (['start-up', 'tls'].includes(request.kind) && isOf(link, this.#delay.which))
      link.delayMs = this.#delay.ms;
    for (const snare of this.#snares) {
      if (!snare.fits(link, request, edge)) continue;
      snare.left -= 1;
      if (snare.left > 0) continue;
      this.#snares.delete(snare);
      snare.caught(link);
      return true;
    }
    if (edge === 'request' && this.#held?.requests.test(request.text)) {
      this.#held.first(link);
      return true;
    }
    return this.#frozen !== undefined && isOf(link, this.#frozen);
  }
}

function isOf(link: Link, which: Which): boolean {
  return which === 'all' || (which === 'listener') === link.isListener;
}

function socketPath({ host, port }: Connection): string {
  return join(host, `.s.PGSQL.${port}`);
}
