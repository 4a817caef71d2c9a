import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Account } from '../postgres/account.ts';
import type { Connection } from '../postgres/connection.ts';
import { createDatabase, type Database } from '../postgres/database.ts';
import { LastingClient } from '../postgres/lasting-client.ts';
import { watchFor } from '../postgres/watch.ts';
import { within } from '../postgres/within.ts';
import { freshportsHandlers, iniFor, makeSite, type Site } from '../site.ts';
import { type How, type RunningDaemon, startUncached } from '../uncached.ts';
import { ownMs } from './own-time.ts';
import { FaultProxy } from './proxy.ts';

export interface WorldOptions {
  /** Whether the daemon connects over TCP. Default: a unix socket. */
  readonly tcp?: boolean;
  /** Default: the shortest allowed. */
  readonly heartbeat?: string;
  readonly ini?: Parameters<typeof iniFor>[2];
  /** Whether each clearing runs a command, which can be broken. */
  readonly command?: boolean;
  /** The user that the daemon runs as. */
  readonly account?: Account;
  /** The prefix of the daemon's command, such as a namespace. */
  readonly within?: (root: string) => readonly string[];
}

/** A site, its database, the real daemon, and a proxy with faults between them. */
export class World {
  readonly site: Site;
  readonly proxy: FaultProxy;
  readonly database: Database;
  readonly #iniFor: (site: Site) => string;
  readonly #file: string;
  readonly #how: How;
  readonly #others: Site[] = [];
  readonly #client: LastingClient;
  #daemon: RunningDaemon | undefined;
  #enqueued = 0;

  private constructor(
    site: Site,
    proxy: FaultProxy,
    database: Database,
    iniOf: (site: Site) => string,
    how: How,
  ) {
    this.site = site;
    this.proxy = proxy;
    this.database = database;
    this.#iniFor = iniOf;
    this.#file = site.configure(iniOf(site));
    this.#how = how;
    this.#client = new LastingClient(database.config);
  }

  /** The template of the database contains the schema. */
  static async open(
    server: Connection,
    { tcp = false, heartbeat = '1s', ini = {}, command, account, within: around }: WorldOptions = {},
  ): Promise<World> {
    const database = await createDatabase(server);
    const proxy = await FaultProxy.open(database.config, { tcp });
    const site = makeSite();
    const more = `[daemon]\nheartbeat = ${heartbeat}\n${ini.more ?? ''}`;
    const run = `[handler.news]\nrun = ls ${neededBy(site)}`;
    const handlers = command ? { handlers: freshportsHandlers.replace('[handler.news]', run) } : {};
    const iniOf = (which: Site) => iniFor(which, proxy.connection, { ...handlers, ...ini, more });
    writeFileSync(neededBy(site), '');
    site.write(bystanders);
    return new World(site, proxy, database, iniOf, {
      ...(account && { account }),
      ...(around && { before: around(site.root) }),
    });
  }

  get daemon(): RunningDaemon {
    if (this.#daemon) return this.#daemon;
    throw new Error('Cannot tell the daemon: start() it first');
  }

  /** Resolves when the daemon listens. */
  async start(): Promise<RunningDaemon> {
    const daemon = this.spawn();
    await daemon.until('LISTEN', ({ event }) => event === 'listening');
    return daemon;
  }

  /** Starts the daemon without waiting for it, since a fault may prevent its start. */
  spawn(): RunningDaemon {
    this.#daemon = startUncached(this.#file, { PGSSLMODE: 'disable' }, this.#how);
    return this.#daemon;
  }

  /** A daemon runs to its end, in nothing that surrounds the other ones: the database knows this root from then on. */
  async register(): Promise<void> {
    const daemon = startUncached(this.#file, { PGSSLMODE: 'disable' });
    await daemon.until('LISTEN', ({ event }) => event === 'listening');
    await daemon.stop();
  }

  /** Another root on the same database, as on another machine, for a daemon that the caller ends. */
  node(): { readonly site: Site; spawn(): RunningDaemon } {
    const site = makeSite();
    this.#others.push(site);
    const file = site.configure(this.#iniFor(site));
    return { site, spawn: () => startUncached(file, { PGSSLMODE: 'disable' }, this.#how) };
  }

  /** Like a crash of the daemon alone. */
  async kill(): Promise<void> {
    await this.daemon.stop('SIGKILL');
  }

  /** It fails from now on. */
  breakCommand(): void {
    rmSync(neededBy(this.site));
  }

  mendCommand(): void {
    writeFileSync(neededBy(this.site), '');
  }

  /** Connects directly, not through the proxy. */
  query<Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return this.#client.query<Row>(sql, values);
  }

  /** Publishes a page and commits a change that names it; resolves with the page. */
  async enqueue(port = `port-${++this.#enqueued}`): Promise<string> {
    const page = `ports/www/${port}/Detail.html`;
    this.site.write([page]);
    await this.query(
      `WITH entry AS (INSERT INTO cache_clearing_ports (category, port) VALUES ('www', $1))
       SELECT pg_notify('port_updated', '')`,
      [port],
    );
    return page;
  }

  /** Resolves when the page is gone. */
  async gone(page: string): Promise<void> {
    const path = join(this.site.root, page);
    await within(100_000, `see ${page} go (${this.lastWords()})`, (signal) =>
      watchFor(dirname(path), async () => (existsSync(path) ? undefined : true), signal),
    );
  }

  /** Milliseconds until a change committed now is cleared. */
  async probe(): Promise<number> {
    const started = performance.now();
    await this.gone(await this.enqueue());
    return performance.now() - started;
  }

  /** Milliseconds that the work takes, for promises: what other work of this machine adds is not counted. */
  ownMs(work: () => Promise<unknown>): Promise<number> {
    const { host } = this.database.config;
    const server = host.startsWith('/') ? [host] : [];
    return ownMs([dirname(this.site.root), this.database.name, ...server], work);
  }

  lastWords(): string {
    return (this.#daemon?.log ?? [])
      .filter(({ event }) => !['cleared', 'clear-failed', 'settled'].includes(event))
      .slice(-12)
      .map(({ time, event, msg }) => `${time} ${event}: ${msg}`)
      .join('\n');
  }

  /** Stops the daemons that still run. The database reports connections that were left open. */
  async close(): Promise<void> {
    await this.#daemon?.stop('SIGKILL');
    await this.proxy.close();
    for (const site of [this.site, ...this.#others]) site.remove();
    await this.#client.end();
    await this.database.drop();
  }
}

/** The file without which the command fails. */
const neededBy = ({ root }: Site) => join(root, '../needed');

/** Pages that no entry names: they must never be deleted. */
export const bystanders: readonly string[] = [
  'ports/www/port/Detail.html',
  'ports/ftp/port-1/Detail.html',
  'daily/2020/01/03.daily.head',
  'spooling/draft',
];
