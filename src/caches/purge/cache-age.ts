import type { Answer } from './answer.ts';

/** What a response says of the cache that it comes from. */
export interface CacheAge {
  /** It was cached. Undefined: it does not say. */
  readonly cached: boolean | undefined;
  /** In the words of the response. */
  readonly text: string;
}

/** The last is RFC 9211. Each says HIT where the response was cached. */
const fields = ['x-cache', 'x-cache-status', 'cf-cache-status', 'cache-status'];

/**
 * Reads Age, which RFC 9111 demands of a cache that answers by itself, or else what many are configured to say. A page
 * that was cached within this second has Age 0, as has one that was not cached.
 */
export function readCacheAge({ headers }: Pick<Answer, 'headers'>): CacheAge {
  const { age } = headers;
  if (typeof age === 'string' && /^\d+$/.test(age)) return { cached: Number(age) > 0, text: `Age: ${age}` };
  const name = fields.find((field) => headers[field] !== undefined);
  if (name === undefined) return { cached: undefined, text: 'neither Age nor X-Cache' };
  const value = String(headers[name]).slice(0, 100);
  return { cached: /\bhit\b/i.test(value), text: `${name}: ${value}` };
}
