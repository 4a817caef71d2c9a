import type { Key } from './contracts.ts';

/**
 * The key in the order in which its handler's templates name the columns: jsonb returns them ordered by
 * length.
 */
export function orderKey(key: Key, columns: readonly string[] = []): Key {
  const known = columns.filter((column) => Object.hasOwn(key, column));
  return { ...Object.fromEntries(known.map((column) => [column, key[column] ?? null])), ...key };
}
