/** What the operator asked for, parsed and checked; config/ makes it, everybody else only reads it. */
export interface Configuration {
  /** The file it came from. */
  readonly file: string;
  readonly database: DatabaseSettings;
  readonly cache: {
    /** Absolute path of the directory that confines everything. */
    readonly root: string;
    readonly settleMs: number;
  };
  readonly daemon: {
    readonly sweepMs: number;
    readonly heartbeatMs: number;
    /** Entries a claim takes at most. */
    readonly batch: number;
    readonly log: LogLevel;
  };
  readonly http: {
    /** Absent: no status page, no metrics. */
    readonly listen?: Address;
  };
  readonly handlers: readonly HandlerSettings[];
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** As it stands in a URL and in the configuration. */
export function formatAddress({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Absent values are libpq's business: its environment variables, then its defaults. */
export interface DatabaseSettings {
  /** One, or several with commas between: the first that is a primary is used. */
  readonly host?: string;
  /** One for all hosts, or one for each. */
  readonly port?: readonly number[];
  readonly dbname?: string;
  readonly user?: string;
  readonly password?: string;
  readonly sslmode?: SslMode;
  /** File with the certificates of the authorities to trust. */
  readonly sslrootcert?: string;
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
}
