import type { Address, LogLevel, SslMode } from '../core/configuration.ts';
import * as parse from './values.ts';

/**
 * The one option table. An option lives here, in etc/uncached.ini.sample and in doc/config.md, or `npm run check` fails.
 * `default` is what the operator would write; an option without one may be left out (`required` may not).
 */
export interface Option<T> {
  readonly parse: (text: string) => T;
  readonly default?: string;
  readonly required?: true;
  /** Written `name[] = …`, any number of times. */
  readonly list?: true;
  readonly secret?: true;
}

export const options = {
  database: {
    host: { parse: parse.text } as Option<string>,
    port: { parse: parse.ports } as Option<number[]>,
    dbname: { parse: parse.text } as Option<string>,
    user: { parse: parse.text } as Option<string>,
    password: { parse: parse.text, secret: true } as Option<string>,
    sslmode: {
      parse: parse.oneOf<SslMode>('disable', 'require', 'verify-ca', 'verify-full'),
    } as Option<SslMode>,
    sslrootcert: { parse: parse.absolutePath } as Option<string>,
  },
  cache: {
    root: { parse: parse.root, required: true } as Option<string>,
    settle: { parse: parse.duration(0), default: '10s' } as Option<number>,
  },
  daemon: {
    sweep: { parse: parse.duration(1_000), default: '60s' } as Option<number>,
    heartbeat: { parse: parse.duration(1_000), default: '10s' } as Option<number>,
    batch: { parse: parse.integer(1, 100_000), default: '1000' } as Option<number>,
    log: {
      parse: parse.oneOf<LogLevel>('debug', 'info', 'warn', 'error'),
      default: 'info',
    } as Option<LogLevel>,
  },
  http: {
    listen: { parse: parse.address } as Option<Address>,
  },
  handler: {
    queue: { parse: parse.text } as Option<string>,
    clear: { parse: parse.text, list: true } as Option<string>,
    // biome-ignore lint/suspicious/noThenProperty: the operator's word; the table is never awaited
    then: { parse: parse.text, list: true } as Option<string>,
    run: { parse: parse.text } as Option<string>,
  },
} as const;

export type Section = keyof typeof options;
