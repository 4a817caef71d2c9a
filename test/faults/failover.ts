import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { LaunchedServer } from '../postgres/server.ts';
import { unsettled } from '../postgres/unsettled.ts';
import type { Site } from '../site.ts';
import { type LogLine, type RunningDaemon, startUncached } from '../uncached.ts';
import { eventually } from './eventually.ts';
import { ownMs } from './own-time.ts';
import { at, iniForHosts, type Pair, query } from './pair.ts';

/** A site, a pair of servers, and a daemon with both servers in its list. */
export class Failover {
  readonly site: Site;
  readonly pair: Pair;
  #daemon: RunningDaemon | undefined;

  constructor(site: Site, pair: Pair) {
    this.site = site;
    this.pair = pair;
  }

  get daemon(): RunningDaemon {
    if (this.#daemon) return this.#daemon;
    throw new Error('Cannot tell the daemon: start() it first');
  }

  async start(servers: readonly LaunchedServer[], settle = '0s'): Promise<void> {
    this.#daemon = startUncached(this.site.configure(iniForHosts(this.site, servers, { settle })));
    await this.daemon.until('LISTEN', ({ event }) => event === 'listening');
  }

  /** Publishes a page and commits a change on this server that names it. Resolves with the page. */
  async enqueue(server: LaunchedServer, port: string): Promise<string> {
    const page = pageOf(port);
    this.site.write([page]);
    await query(
      server,
      `WITH entry AS (INSERT INTO cache_clearing_ports (category, port) VALUES ('www', $1))
       SELECT pg_notify('port_updated', '')`,
      [port],
    );
    return page;
  }

  async cleared(page: string): Promise<void> {
    const ask = async () => (existsSync(join(this.site.root, page)) ? undefined : true);
    await eventually(`without ${page}`, ask, async () => this.lastWords());
  }

  /** Milliseconds that the work takes, without what other work of this machine adds. */
  ownMs(work: () => Promise<unknown>): Promise<number> {
    const { primary, standby } = this.pair;
    const servers = [primary, standby].map(({ host }) => host);
    return ownMs([dirname(this.site.root), at(standby).database, ...servers], work);
  }

  /** Resolves when nothing is enqueued, claimed or settling on this server. */
  async done(server: LaunchedServer): Promise<void> {
    await eventually(
      'done',
      async () => {
        const { entries, rows } = await this.left(server);
        return entries + rows === 0 ? true : undefined;
      },
      async () => `${JSON.stringify(await this.left(server))} left; ${this.lastWords()}`,
    );
  }

  async left(server: LaunchedServer): Promise<{ entries: number; rows: number }> {
    const [found] = await query<{ entries: number; rows: number }>(
      server,
      `SELECT (SELECT count(*)::int FROM cache_clearing_ports) AS entries,
              (SELECT count(*)::int FROM ${unsettled}) AS rows`,
    );
    return found ?? { entries: -1, rows: -1 };
  }

  lastWords(): string {
    const lines = this.#daemon?.log.slice(-20) ?? [];
    return lines.map((line) => JSON.stringify(line)).join('\n');
  }

  async close(): Promise<void> {
    await this.#daemon?.stop('SIGKILL');
    this.site.remove();
    await this.pair.stop();
  }
}

export const pageOf = (port: string) => `ports/www/${port}/Detail.html`;

export const isOutage = ({ event }: LogLine) =>
  ['database-unavailable', 'listener-lost', 'loop-failed'].includes(event);

export const isRecovery = ({ event }: LogLine) => event === 'database-recovered';
