import type { Key } from './contracts.ts';

/** The same key as its handler's templates name it: jsonb gives columns back by length. */
export function inOrder(key: Key, columns: readonly string[] = []): Key {
  const known = columns.filter((column) => Object.hasOwn(key, column));
  return { ...Object.fromEntries(known.map((column) => [column, key[column] ?? null])), ...key };
}
