import type { Address, Call } from '../core/configuration.ts';
import { parseDuration, writeDuration } from '../core/duration.ts';

/** Parsers of option values: each throws an Error that completes "option = value …". */

export function text(value: string): string {
  if (value === '') throw new Error('is empty');
  return value;
}

export function absolutePath(value: string): string {
  if (!value.startsWith('/')) throw new Error('must be an absolute path');
  return value;
}

export function absolutePathOr(word: string) {
  return (value: string): string => {
    if (value !== word && !value.startsWith('/')) throw new Error(`must be an absolute path, or ${word}`);
    return value;
  };
}

export function root(value: string): string {
  const path = absolutePath(value).replace(/\/+$/, '');
  if (path === '')
    throw new Error('would put the whole machine under the cache: name the cache directory itself');
  if (path.split('/').includes('..')) throw new Error('must not contain ".."');
  return path;
}

/** nginx's `levels`, such as `1:2`. */
export function levels(value: string): number[] {
  if (!/^[12](:[12]){0,2}$/.test(value))
    throw new Error('must be as in proxy_cache_path: one to three of 1 and 2, such as 1:2');
  return value.split(':').map(Number);
}

/** A key with a place for the url. */
export function cacheKey(value: string): string {
  const found = value.split('{url}').length - 1;
  if (found !== 1)
    throw new Error(
      `must have {url} once, in the place of $request_uri in proxy_cache_key, such as httpsGETwww.example.org{url}`,
    );
  const variable = /\$\w+/.exec(value)?.[0];
  if (variable !== undefined)
    throw new Error(`has ${variable}: write what nginx puts there for your pages, such as https or GET`);
  return value;
}

export function integer(least: number, most: number) {
  return (value: string): number => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < least || number > most) {
      throw new Error(`must be a whole number from ${least} to ${most}`);
    }
    return number;
  };
}

export function ports(value: string): number[] {
  return value.split(',').map((port) => integer(1, 65_535)(port.trim()));
}

/** `host:port`, `[::1]:port`, or a port alone, which means loopback. */
export function address(value: string): Address {
  const [, bracketed, plain, port = ''] =
    /^(?:(?:\[([0-9a-f:.]+)\]|([^[\]:\s]+)):)?(\d+)$/i.exec(value) ?? [];
  const number = Number(port);
  if (port === '' || number < 1 || number > 65_535) {
    throw new Error('must be an address with its port, such as 127.0.0.1:9797 or [::1]:9797');
  }
  return { host: bracketed ?? plain ?? '127.0.0.1', port: number };
}

/** `schema.function(column, column)`. */
export function call(value: string): Call {
  const [, name, list = ''] = /^([^\s.(),;]+(?:\.[^\s.(),;]+)?)\s*\(([^();]*)\)$/.exec(value) ?? [];
  const columns = list.split(',').map((column) => column.trim());
  if (name === undefined || columns.includes(''))
    throw new Error(
      'must be a function and the columns that it is given, such as public.dependents(category, port)',
    );
  return { name, columns };
}

export function oneOf<T extends string>(...values: T[]) {
  return (value: string): T => {
    const found = values.find((one) => one === value);
    if (found === undefined) throw new Error(`must be one of ${values.join(', ')}`);
    return found;
  };
}

export function yesOrNo(value: string): boolean {
  return oneOf('yes', 'no')(value) === 'yes';
}

/** Milliseconds. setTimeout takes no more than 2^31 - 1 of them. */
export function duration(leastMs: number) {
  return (value: string): number => {
    const ms = parseDuration(value);
    if (ms < leastMs || ms > 86_400_000 * 24)
      throw new Error(`must be from ${writeDuration(leastMs)} to 576h`);
    return ms;
  };
}
