import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { eventually } from '../faults/eventually.ts';
import { become, inNamespace } from '../faults/namespace.ts';
import { type Account, ordinaryAccount } from '../postgres/account.ts';
import { type Connection, withClient } from '../postgres/connection.ts';
import { createDatabase, type Database } from '../postgres/database.ts';
import { LastingClient } from '../postgres/lasting-client.ts';
import { unsettled } from '../postgres/unsettled.ts';
import { makeSite } from '../site.ts';
import { type Ended, type How, type RunningDaemon, startUncached, uncached } from '../uncached.ts';
import { type Extra, fpListenIni, uncachedIni } from './configuration.ts';
import { isCleared, withoutQueue } from './events.ts';
import { type Predecessor, startPredecessor } from './predecessor.ts';
import { template } from './server.ts';
import { tree, untouchable } from './tree.ts';
import { makeZfs } from './zfs.ts';

/** The roles of the site. `postgres` is its administrator. */
export type Role = 'postgres' | 'listening' | 'commits' | 'www' | 'reporting';

const queueTables = ['ports', 'dates', 'commits', 'files'].map((name) => `cache_clearing_${name}`);

export interface Options extends Extra {
  /** The path of the news in fp-listen.ini. */
  readonly news?: string;
  /** fp-listen.ini itself with every default: a settle time of 10 s. */
  readonly asItIs?: boolean;
}

interface Host {
  /** Whether the daemon's user differs from the site's, if possible, and deletes through the group bit of directories. */
  readonly shared?: boolean;
  /** Whether each set of the cache is a mount for the daemon, like the data sets of FreshPorts' hosts. */
  readonly mounted?: boolean;
}

/** The database `freshports.org` and its cache on disk, for one test. */
export class FreshPorts {
  readonly site = makeSite();
  readonly #database: Database;
  readonly #host: Host;
  readonly #account: Account | undefined;
  readonly #before: readonly string[];
  readonly #clients = new Map<Role, LastingClient>();
  #uncached: RunningDaemon | undefined;
  #predecessor: Predecessor | undefined;

  /** The daemon of the first host does for all what a missed notification may have asked for. */
  readonly #catchesUp: boolean;

  private constructor(database: Database, host: Host, { catchesUp = true } = {}) {
    this.#database = database;
    this.#host = host;
    this.#catchesUp = catchesUp;
    this.#account = host.shared ? ordinaryAccount() : undefined;
    this.#before = host.mounted
      ? inNamespace('for set in "$1"/*/; do mount --bind "$set" "$set"; done', this.site.root)
      : [];
    makeZfs(this.site);
    this.write([...tree, ...untouchable]);
  }

  static async open(server: Connection, host: Host = {}): Promise<FreshPorts> {
    return new FreshPorts(await createDatabase(server, { name: 'freshports.org', template }), host);
  }

  /** Another web host, with its own cache and the same database. Stop it before the database is closed. */
  anotherHost(): FreshPorts {
    return new FreshPorts(this.#database, this.#host, { catchesUp: false });
  }

  /** Writes pages as the site does. */
  write(pages: Iterable<string>, body?: string): void {
    this.site.write(pages, body);
    if (!this.#account) return;
    const folder = dirname(this.site.root);
    execFileSync('chgrp', ['-R', String(this.#account.gid), folder]);
    execFileSync('chmod', ['-R', 'g+rwX', folder]);
  }

  /** How to connect as `postgres`. */
  get administrator(): Connection {
    return this.#database.config;
  }

  query<Row extends object>(role: Role, sql: string, values?: unknown[]): Promise<Row[]> {
    const client = this.#clients.get(role) ?? new LastingClient({ ...this.#database.config, user: role });
    this.#clients.set(role, client);
    return client.query<Row>(sql, values);
  }

  /** What the site does when a port has changed. */
  async touch(port: number): Promise<void> {
    await this.query('commits', `UPDATE ports SET short_description = short_description WHERE id = ${port}`);
  }

  /** Writes fp-listen.ini. For options that it has no names for, writes the uncached.ini made from it. */
  configure({ asItIs = false, news, ...extra }: Options = {}): string {
    const file = join(dirname(this.site.root), 'fp-listen.ini');
    writeFileSync(file, fpListenIni(this.site, this.#database.config, news));
    return asItIs ? file : this.site.configure(uncachedIni(file, extra));
  }

  /** The real daemon as role `listening`. Resolves when it listens and has caught up. */
  async startUncached(options: Options = {}): Promise<RunningDaemon> {
    const daemon = startUncached(this.configure(options), this.#path, this.#how);
    this.#uncached = daemon;
    await daemon.until('LISTEN', ({ event }) => event === 'listening');
    for (const handler of this.#catchesUp ? withoutQueue : [])
      await daemon.until(`catch-up of ${handler}`, isCleared(handler));
    return daemon;
  }

  /** Runs another command of uncached. */
  ask(args: readonly string[], options: Options = {}): Promise<Ended> {
    return uncached(['--config', this.configure(options), ...args], this.#path, this.#how);
  }

  /**
   * As the daemon's user, in the namespace of its mounts. Only root can mount, and then becomes that user.
   */
  get #how(): How {
    const account = this.#account;
    if (this.#before.length === 0) return account ? { account } : {};
    return { before: account ? [...this.#before, ...become(account)] : this.#before };
  }

  /** Resolves when its output says that it listens. */
  async startPredecessor(options: Options = {}, env: NodeJS.ProcessEnv = {}): Promise<Predecessor> {
    const file = this.configure({ ...options, asItIs: true });
    const predecessor = startPredecessor(file, { ...this.#path, ...env }, this.#account);
    this.#predecessor = predecessor;
    await predecessor.until('listening');
    return predecessor;
  }

  /** Resolves when `status` finds nothing wrong. The daemon reports that a problem is over a moment later. */
  async healthy(options: Options = {}): Promise<void> {
    let said = '';
    const look = async () => {
      const { code, stdout } = await this.ask(['status'], options);
      said = stdout;
      return code === 0 ? true : undefined;
    };
    await eventually('healthy', look, async () => said);
  }

  has(page: string): boolean {
    return existsSync(join(this.site.root, page));
  }

  /** Resolves when every entry is claimed, cleared and settled, and no cache is being wiped. */
  async settled(): Promise<void> {
    await this.#eventually('settled', async () => {
      if ((await this.backlog()) + (await this.unsettled()).length > 0) return false;
      return (
        (await this.query('postgres', `SELECT FROM uncached.consumer WHERE state = 'wiping'`)).length === 0
      );
    });
  }

  /**
   * Runs `act` while a transaction is open. What is claimed meanwhile is cleared again only after that,
   * however slow this machine is. Resolves with a time before the settle time began.
   */
  whileOpen(act: () => Promise<void>): Promise<number> {
    return withClient(this.administrator, async (other) => {
      await other.query('BEGIN; SELECT pg_current_xact_id()');
      await act();
      const before = performance.now();
      await other.query('COMMIT');
      return before;
    });
  }

  /** Resolves when the queue tables are empty. */
  async emptied(): Promise<void> {
    await this.#eventually('without entries', async () => (await this.backlog()) === 0);
  }

  /** Resolves when the pages are gone. */
  async gone(...pages: readonly string[]): Promise<void> {
    await this.#eventually(`without ${pages}`, async () => !pages.some((page) => this.has(page)));
  }

  /** The count that the Nagios check makes. */
  async backlog(table?: string): Promise<number> {
    const tables = table === undefined ? queueTables : [table];
    const rows = await this.query<{ count: number }>(
      'reporting',
      tables.map((table) => `SELECT count(*)::int FROM ${table}`).join(' UNION ALL '),
    );
    return rows.reduce((sum, { count }) => sum + count, 0);
  }

  /**
   * Rows of the log that are not settled everywhere, and those that are kept because they fail. `age`: seconds
   * since the claim, by the server's clock.
   */
  unsettled(): Promise<
    { handler: string; key: unknown; last_error: string | null; attempts: number; age: number }[]
  > {
    return this.query(
      'postgres',
      `SELECT handler, key, last_error, attempts, extract(epoch FROM clock_timestamp() - claimed_at)::float8 AS age
         FROM ${unsettled} ORDER BY id`,
    );
  }

  /** A PATH that has this site's zfs. */
  get #path(): NodeJS.ProcessEnv {
    return { PATH: `${dirname(this.site.root)}/bin:${process.env.PATH}` };
  }

  /** Stops the daemons that still run on this host. */
  async leave(): Promise<void> {
    await this.#uncached?.stop('SIGKILL');
    await this.#predecessor?.stop('SIGKILL');
    this.site.remove();
    for (const client of this.#clients.values()) await client.end();
  }

  /** The same, and drops the database, which reports connections that were left open. */
  async close(): Promise<void> {
    await this.leave();
    await this.#database.drop();
  }

  #eventually(what: string, isSo: () => Promise<boolean>): Promise<true> {
    return eventually(
      what,
      async () => ((await isSo()) ? true : undefined),
      async () =>
        JSON.stringify({
          backlog: await this.backlog(),
          unsettled: (await this.unsettled()).slice(0, 5),
          pages: this.site.pages().slice(0, 40),
          log: (this.#uncached?.log ?? this.#predecessor?.lines ?? []).slice(-10),
        }),
    );
  }
}
