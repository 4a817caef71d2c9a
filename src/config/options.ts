import {
  formatAddress,
  formatCall,
  type LogLevel,
  type SslMode,
  type ZoneSettings,
  type ZoneWay,
} from '../core/configuration.ts';
import { writeDuration } from '../core/duration.ts';
import * as parse from './values.ts';

/**
 * The one option table. An option is edited here and where its value is used. The type of the configuration,
 * the reader, the environment and `uncached config` use this table, and `npm run check` fails unless the
 * option is in etc/uncached.ini.sample and doc/config.md. `default` is what the operator would write; an
 * option without one may be left out (`required` may not).
 */
export interface Option<T> {
  readonly parse: (text: string) => T;
  /** The inverse of `parse`, if String is not. */
  write?(value: T): string;
  readonly default?: string;
  readonly required?: true;
  /** Written `name[] = …`, any number of times. */
  readonly list?: true;
  readonly secret?: true;
  /** What `uncached config` shows of a secret, if not just asterisks. */
  readonly mask?: (text: string) => string;
  /** The environment variable that sets it where the file does not: environment.ts. */
  readonly variable?: string;
  /**
   * The name of the value in the configuration, if it differs from the option's: with its unit, for example.
   */
  readonly property?: string;
}

const durationFrom = (leastMs: number) => ({ parse: parse.duration(leastMs), write: writeDuration });

/** The name stays, and a value that only says where the secret is. */
function maskHeader(text: string): string {
  const [, name = '', value = ''] = /^([^:]*: *)(.*)$/s.exec(text) ?? [];
  return /\{(env|file|credential|tags?|urls?|pages?)\b/.test(value) ? text : `${name}********`;
}

export const options = {
  database: {
    host: { parse: parse.text },
    port: { parse: parse.ports },
    dbname: { parse: parse.text },
    user: { parse: parse.text },
    password: { parse: parse.text, secret: true },
    sslmode: { parse: parse.oneOf<SslMode>('disable', 'require', 'verify-ca', 'verify-full') },
    sslrootcert: { parse: parse.absolutePathOr('system') },
    sslcert: { parse: parse.absolutePath },
    sslkey: { parse: parse.absolutePath },
  },
  cache: {
    root: { parse: parse.root, required: true },
    settle: { ...durationFrom(0), property: 'settleMs', default: '10s', variable: 'UNCACHED_SETTLE' },
  },
  daemon: {
    sweep: { ...durationFrom(1_000), property: 'sweepMs', default: '60s', variable: 'UNCACHED_SWEEP' },
    listen: {
      parse: parse.yesOrNo,
      write: (value: boolean) => (value ? 'yes' : 'no'),
      default: 'yes',
      property: 'listens',
      variable: 'UNCACHED_LISTEN',
    },
    hints: {
      parse: parse.yesOrNo,
      write: (value: boolean) => (value ? 'yes' : 'no'),
      default: 'yes',
      variable: 'UNCACHED_HINTS',
    },
    poll: { ...durationFrom(100), property: 'pollMs', default: '1s', variable: 'UNCACHED_POLL' },
    heartbeat: {
      ...durationFrom(1_000),
      property: 'heartbeatMs',
      default: '10s',
      variable: 'UNCACHED_HEARTBEAT',
    },
    expire: { ...durationFrom(60_000), property: 'expireMs', default: '1h', variable: 'UNCACHED_EXPIRE' },
    keep: { ...durationFrom(0), property: 'keepMs', default: '1h', variable: 'UNCACHED_KEEP' },
    batch: { parse: parse.integer(1, 100_000), default: '1000', variable: 'UNCACHED_BATCH' },
    log: {
      parse: parse.oneOf<LogLevel>('debug', 'info', 'warn', 'error'),
      default: 'info',
      variable: 'UNCACHED_LOG',
    },
  },
  http: {
    listen: { parse: parse.address, write: formatAddress, variable: 'UNCACHED_HTTP_LISTEN' },
  },
  handler: {
    queue: { parse: parse.text },
    expand: { parse: parse.call, write: formatCall },
    clear: { parse: parse.text, list: true },
    // biome-ignore lint/suspicious/noThenProperty: the operator's word; the table is never awaited
    then: { parse: parse.text, list: true, property: 'followers' },
    run: { parse: parse.text },
    url: { parse: parse.text, list: true },
    tag: { parse: parse.text, list: true },
  },
  purge: {
    to: { parse: parse.text, list: true },
    run: { parse: parse.text },
    request: { parse: parse.text, default: 'PURGE {url}' },
    header: { parse: parse.text, list: true, secret: true, mask: maskHeader },
    body: { parse: parse.text },
    site: { parse: parse.text, list: true },
    batch: { parse: parse.integer(1, 10_000) },
    batch_bytes: { parse: parse.integer(1, 1_000_000), default: '6000', property: 'batchBytes' },
    expect: { parse: parse.text, list: true },
    connections: { parse: parse.integer(1, 64), default: '4' },
    rate: { parse: parse.text },
    timeout: { ...durationFrom(100), property: 'timeoutMs', default: '5s' },
    lag: { ...durationFrom(0), property: 'lagMs' },
    after: { parse: parse.text },
    everything: { parse: parse.text },
    everything_over: {
      parse: parse.integer(1, 1_000_000_000),
      default: '10000',
      property: 'everythingOver',
    },
    ca: { parse: parse.absolutePath },
    probe: { parse: parse.text },
  },
  nginx: {
    path: { parse: parse.root, required: true },
    levels: { parse: parse.levels, write: (value: readonly number[]) => value.join(':') },
    key: { parse: parse.cacheKey, list: true, required: true },
    how: { parse: parse.oneOf<ZoneWay>('spoil', 'unlink', 'soft'), default: 'spoil' },
    variants: { parse: parse.oneOf<ZoneSettings['variants']>('no', 'scan'), default: 'no' },
    lag: { ...durationFrom(0), property: 'lagMs' },
    after: { parse: parse.text },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Option<unknown>>>>>;

export type Section = keyof typeof options;

/** For code that goes through all of them. */
export function optionsOf(section: Section): [name: string, option: Option<unknown>][] {
  return Object.entries<Option<unknown>>(options[section]);
}
