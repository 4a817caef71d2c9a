import type { Listener } from '../core/listener-contract.ts';
import { usualTimings } from '../core/timings.ts';
import { type Hosts, openHosts } from '../postgres/hosts.ts';
import { listen } from '../postgres/listener.ts';
import { openPool, type Pool } from '../postgres/pool.ts';
import { resolvedConfig } from '../postgres/resolved-config.ts';

/** As node-postgres takes them. What is missing comes from the environment: PGHOST, PGUSER and so on. */
export interface ConnectionSettings {
  readonly connectionString?: string;
  /** A host name, or the directory of a Unix socket. */
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  readonly database?: string;
  readonly password?: string | (() => string | Promise<string>);
  readonly ssl?: boolean | object;
  readonly application_name?: string;
}

/** Where notifications come from. */
export interface Source {
  /** LISTENs; resolves when all that is committed from now on will be notified. */
  listen(
    channels: readonly string[],
    onNotification: (channel: string, payload: string) => void,
  ): Promise<Listener>;
  end(): Promise<void>;
}

/**
 * Two connections, made when they are needed: one that listens, and one that sends what proves it. Settings with
 * the same `name` lead to the same database with the same rights.
 */
export function sourceOf(settings: ConnectionSettings): { readonly name: string; open(): Source } {
  const timings = usualTimings.database;
  const config = resolvedConfig(settings, timings);
  const { host, port, user, database, ssl } = config;
  return {
    name: JSON.stringify([host, port, user, database, ssl]),
    open() {
      const hosts = openHosts([config], timings);
      return openSource(hosts, openPool(hosts, { connections: 1 }));
    },
  };
}

function openSource(hosts: Hosts, pool: Pool): Source {
  return {
    async listen(channels, onNotification) {
      const { rows } = await pool.query<{ encoding: string }>(
        "SELECT current_setting('server_encoding') AS encoding",
      );
      // The server converts nothing for the listening session (postgres/session.ts). Bytes of LATIN1 may be
      // other characters in UTF-8, and would name another key.
      const isText = rows[0]?.encoding === 'UTF8' ? () => true : isAscii;
      return listen(hosts, pool, channels, (channel, payload) =>
        onNotification(channel, isText(payload) ? payload : ''),
      );
    },
    end: () => pool.end(),
  };
}

function isAscii(payload: string): boolean {
  return /^[\x00-\x7f]*$/.test(payload);
}
