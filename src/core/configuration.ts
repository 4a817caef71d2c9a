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
}

/**
 * `json` for programs, `text` for people, `journald` for systemd's journal, which adds the time itself and
 * takes the priority as `<N>`.
 */
export const logFormats = ['json', 'text', 'journald'] as const;
export type LogFormat = (typeof logFormats)[number];
