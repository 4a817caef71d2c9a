/** Settings that several folders use; config/typed-configuration.ts has all of them. */

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** As written in a URL and in the configuration. */
export function formatAddress({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Missing values come from libpq's rules: its environment variables, then its defaults. */
export interface DatabaseSettings {
  /** One, or several with commas between: the first that is a primary is used. */
  readonly host?: string;
  /** One for all hosts, or one for each. */
  readonly port?: readonly number[];
  readonly dbname?: string;
  readonly user?: string;
  readonly password?: string;
  readonly sslmode?: SslMode;
  /** File with the certificates of the authorities to trust, or `system`. */
  readonly sslrootcert?: string;
  /** Files with the certificate and the key that identify us to the server. */
  readonly sslcert?: string;
  readonly sslkey?: string;
}

export type SslMode = 'disable' | 'require' | 'verify-ca' | 'verify-full';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface HandlerSettings {
  readonly name: string;
  /** The queue table; a handler without one clears on notification and on catch-up. */
  readonly queue?: string;
  readonly clear: readonly string[];
  /** Names of handlers to clear once after each batch. */
  readonly followers: readonly string[];
  /** A command to run once after each batch, split at white space; no shell. */
  readonly run?: string;
  /** Path and query of pages, for caches that are asked over HTTP. */
  readonly url?: readonly string[];
  /** Tags of responses, likewise. */
  readonly tag?: readonly string[];
}

/** A cache that is asked over HTTP to forget a page: `[purge.NAME]`. */
export interface PurgeSettings {
  readonly name: string;
  /** Addresses, each of which must acknowledge. */
  readonly to: readonly string[];
  readonly request: string;
  readonly header: readonly string[];
  readonly site: readonly string[];
  readonly expect: readonly string[];
  readonly connections: number;
  readonly timeoutMs: number;
  /** How long after the second clearing of the cache behind it is it asked for the second time; undefined: by rule. */
  readonly lagMs?: number;
  /** The section behind which it stands, such as `purge.varnish`; undefined: the page files. */
  readonly after?: string;
  /** One request that empties it. */
  readonly everything?: string;
  readonly ca?: string;
  /** A page that is cached there, for `check --probe`. */
  readonly probe?: string;
}

/** The sections that describe caches beyond the page files. */
export interface CacheSections {
  readonly settleMs: number;
  readonly purges: readonly PurgeSettings[];
}

/**
 * `json` for programs, `text` for people, `journald` for systemd's journal, which adds the time itself and
 * takes the priority as `<N>`.
 */
export const logFormats = ['json', 'text', 'journald'] as const;
export type LogFormat = (typeof logFormats)[number];
