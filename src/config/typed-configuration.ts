import type { CacheSections } from '../core/configuration.ts';
import type { Option, options, Section } from './options.ts';

/**
 * What the operator configured, parsed and checked; only config/ makes it. Its values have the types of the
 * option table.
 */
export interface Configuration {
  /** The file it came from. */
  readonly file: string;
  readonly database: Settings<'database'>;
  readonly cache: Settings<'cache'>;
  readonly daemon: Settings<'daemon'>;
  readonly http: Settings<'http'>;
  readonly handlers: readonly (Settings<'handler'> & { readonly name: string })[];
  readonly purges: readonly (Settings<'purge'> & { readonly name: string })[];
  readonly zones: readonly (Settings<'nginx'> & { readonly name: string })[];
}

/**
 * With the defaults for wrong values, and no root if that is wrong: for `check`, which goes on to find more
 * problems.
 */
export interface Draft extends Omit<Configuration, 'cache'> {
  readonly cache: Omit<Settings<'cache'>, 'root'> & { readonly root?: string };
}

/** What the caches beyond the page files are made from. */
export function sectionsOf({
  cache,
  purges,
  zones,
}: Pick<Draft, 'cache' | 'purges' | 'zones'>): CacheSections {
  return { settleMs: cache.settleMs, root: cache.root, purges, zones };
}

/** The values of one section. Options that have a default, are required or are a list are always present. */
type Settings<S extends Section> = {
  readonly [K in keyof Table<S> as Table<S>[K] extends Given ? Property<K, Table<S>[K]> : never]: Value<
    Table<S>[K]
  >;
} & {
  readonly [K in keyof Table<S> as Table<S>[K] extends Given ? never : Property<K, Table<S>[K]>]?: Value<
    Table<S>[K]
  >;
};

type Table<S extends Section> = (typeof options)[S];
type Given = { readonly default: string } | { readonly required: true } | { readonly list: true };
type Property<K, O> = O extends { readonly property: infer Name extends string } ? Name : K;
type Value<O> = O extends Option<infer T> ? (O extends { readonly list: true } ? readonly T[] : T) : never;
