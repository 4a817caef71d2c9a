import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Client } from 'pg';
import { assessAll } from '../../src/cli/status.ts';
import { FaultProxy } from '../faults/proxy.ts';
import { ordinaryAccount } from '../postgres/account.ts';
import { type Connection, withClient } from '../postgres/connection.ts';
import { createDatabase, type Database } from '../postgres/database.ts';
import { freePort } from '../postgres/free-port.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { connect } from '../sql/connect.ts';
import { type How, type RunningDaemon, startUncached } from '../uncached.ts';

export interface StandOptions {
  /** Puts a `proxy`, which can break connections, between the daemon and PostgreSQL. */
  readonly between?: true;
  /** A configuration that replaces the common one. */
  readonly ini?: (site: Site, connection: Connection, how: { more: string }) => string;
  /** The prefix of the daemon's command, such as a namespace. The daemon then runs as the tests' user. */
  readonly within?: (site: Site) => readonly string[];
}

/**
 * A site, its database, a role with the daemon's rights and no others, and a daemon that checks every second.
 */
export class Stand {
  readonly site: Site;
  readonly database: Database;
  readonly proxy: FaultProxy;
  readonly role: string;
  readonly port: number;
  readonly #options: StandOptions;
  readonly #atEnd: (() => unknown)[] = [];
  #daemon: RunningDaemon | undefined;
  #held: Client | undefined;

  private constructor(
    parts: Pick<Stand, 'site' | 'database' | 'proxy' | 'role' | 'port'>,
    options: StandOptions,
  ) {
    this.site = parts.site;
    this.database = parts.database;
    this.proxy = parts.proxy;
    this.role = parts.role;
    this.port = parts.port;
    this.#options = options;
  }

  static async open(server: Connection, options: StandOptions = {}): Promise<Stand> {
    const database = await createDatabase(server);
    const proxy = await FaultProxy.open(database.config, { tcp: true });
    const role = `${database.name}_daemon`;
    await withClient(database.config, (client) =>
      client.query(`CREATE ROLE ${role} LOGIN; GRANT uncached TO ${role}`),
    );
    // The daemon must be able to delete files made from now on, under any account.
    process.umask(0);
    const site = makeSite();
    const stand = new Stand({ site, database, proxy, role, port: await freePort() }, options);
    site.write(['ports/x/y', 'categories/x', 'daily/x', 'commits/x', 'news/x']);
    stand.configure();
    chmodSync(dirname(site.root), 0o755);
    return stand;
  }

  /** The daemon's user, if it differs from ours: root may delete anything. */
  get account(): How['account'] {
    return this.#options.within ? undefined : ordinaryAccount();
  }

  get daemon(): RunningDaemon {
    if (this.#daemon) return this.#daemon;
    throw new Error('Cannot tell the daemon: start() it first');
  }

  get log(): RunningDaemon['log'] {
    return this.#daemon?.log ?? [];
  }

  /** Writes the stand's own configuration, or the common one. */
  configure(more = ''): string {
    const { ini = iniFor } = this.#options;
    const { connection: between } = this.#options.between ? this.proxy : { connection: this.database.config };
    const connection = { ...between, user: this.role };
    return this.site.configure(ini(this.site, connection, { more }));
  }

  /** For settings that the file leaves out. */
  get env(): NodeJS.ProcessEnv {
    return {
      PGSSLMODE: 'disable',
      UNCACHED_SETTLE: '0s',
      UNCACHED_SWEEP: '1s',
      UNCACHED_HEARTBEAT: '1s',
      UNCACHED_HTTP_LISTEN: String(this.port),
    };
  }

  /** Resolves when the daemon listens. */
  async start(): Promise<void> {
    await this.spawn().until('LISTEN', ({ event }) => event === 'listening', 100_000);
  }

  /** Starts the daemon without waiting, because something prevents its start. */
  spawn(file = this.file): RunningDaemon {
    const { within } = this.#options;
    this.#daemon = startUncached(file, this.env, {
      ...(this.account && { account: this.account }),
      ...(within && { before: within(this.site) }),
    });
    return this.#daemon;
  }

  async stop(signal?: NodeJS.Signals): Promise<void> {
    await this.#daemon?.stop(signal);
    this.#daemon = undefined;
  }

  /**
   * Runs in this process: a hundred programs would keep the machine busy. test/cli/status.test.ts tests the
   * program.
   */
  status(): ReturnType<typeof assessAll> {
    return assessAll(() => this.file, {});
  }

  /**
   * As a superuser, without the proxy. Each query has its own connection, because the server may have been
   * stopped meanwhile.
   */
  query<Row extends object>(sql: string): Promise<Row[]> {
    return withClient(this.database.config, async (client) => (await client.query<Row>(sql)).rows);
  }

  /** Writes two pages, and a change that names them. By its entries it was committed two minutes ago. */
  async enqueue(name = 'page'): Promise<void> {
    for (const port of [`${name}-1`, `${name}-2`]) this.site.write([`ports/www/${port}/Detail.html`]);
    await this.query(
      `INSERT INTO cache_clearing_ports (category, port, date_added)
       SELECT 'www', '${name}-' || n, now() - interval '2 minutes' FROM generate_series(1, 2) AS n;
       NOTIFY port_updated`,
    );
  }

  /** Runs the statement in a transaction that stays open. */
  async hold(sql: string): Promise<void> {
    this.#held = await connect(this.database.config);
    await this.#held.query(`BEGIN; ${sql}`);
  }

  async release(): Promise<void> {
    await this.#held?.end();
    this.#held = undefined;
  }

  atEnd(undo: () => unknown): void {
    this.#atEnd.push(undo);
  }

  async close(): Promise<void> {
    for (const undo of this.#atEnd) await undo();
    await this.stop('SIGKILL');
    await this.release();
    await this.proxy.close();
    this.site.remove();
    await this.query(`DROP OWNED BY ${this.role}; DROP ROLE ${this.role}`);
    await this.database.drop();
  }

  get file(): string {
    return `${dirname(this.site.root)}/uncached.ini`;
  }
}
