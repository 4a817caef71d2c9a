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
  /** A function of the database that names what depends on a key. */
  readonly expand?: Call;
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

/** A function, `schema.name` or `name`, and the columns of the queue table that are its arguments. */
export interface Call {
  readonly name: string;
  readonly columns: readonly string[];
}

/** As written in the configuration. */
export function formatCall({ name, columns }: Call): string {
  return `${name}(${columns.join(', ')})`;
}

/** A cache that is asked over HTTP to forget a page: `[purge.NAME]`. */
export interface PurgeSettings {
  readonly name: string;
  /** Addresses, each of which must acknowledge. */
  readonly to: readonly string[];
  /** Instead of them: a program that is told what to purge. */
  readonly run?: string;
  readonly request: string;
  readonly header: readonly string[];
  /** JSON. */
  readonly body?: string;
  readonly site: readonly string[];
  readonly expect: readonly string[];
  /** How many urls or tags are in one request; undefined: by the request. */
  readonly batch?: number;
  /** And how many bytes they may have together. */
  readonly batchBytes: number;
  readonly connections: number;
  /** Requests by the second or minute. */
  readonly rate?: string;
  readonly timeoutMs: number;
  /** How long after the second clearing of the cache behind it is it asked for the second time; undefined: by rule. */
  readonly lagMs?: number;
  /** The section behind which it stands, such as `purge.varnish`; undefined: the page files. */
  readonly after?: string;
  /** One request that empties it. */
  readonly everything?: string;
  /** With more rows than this to clear together, that one is sent instead. */
  readonly everythingOver: number;
  readonly ca?: string;
  /** A page that is cached there, for `check --probe`. */
  readonly probe?: string;
}

/** A zone, nginx's disk cache, cleared by key: `[nginx.NAME]`. */
export interface ZoneSettings {
  readonly name: string;
  readonly path: string;
  /** How many hexadecimal digits the name of a directory has, from the outside in. */
  readonly levels?: readonly number[];
  /** What `proxy_cache_key` makes of a page, with `{url}` for the url. */
  readonly key: readonly string[];
  readonly how: ZoneWay;
  /** `scan`: also the files that `Vary` made, which are found by looking at all of them. */
  readonly variants: 'no' | 'scan';
  /** As in a PurgeSettings. */
  readonly lagMs?: number;
  readonly after?: string;
}

/** How a file of a zone is cleared: core/zone-files.ts. */
export type ZoneWay = 'spoil' | 'unlink' | 'soft';

/** The sections that describe caches beyond the page files. */
export interface CacheSections {
  readonly settleMs: number;
  readonly purges: readonly PurgeSettings[];
  readonly zones?: readonly ZoneSettings[];
  /** Of the page files. */
  readonly root?: string | undefined;
}

/**
 * `json` for programs, `text` for people, `journald` for systemd's journal, which adds the time itself and
 * takes the priority as `<N>`.
 */
export const logFormats = ['json', 'text', 'journald'] as const;
export type LogFormat = (typeof logFormats)[number];
