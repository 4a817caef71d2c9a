import type { Handler } from '../clearing/handler.ts';
import type { LocalConsumers } from '../clearing/local-consumers.ts';
import type { Key } from '../core/contracts.ts';

/**
 * Takes the key that a notification names as a hint (clearing/hints.ts), and resolves when it is done. Any other
 * payload says nothing.
 */
export function hint(
  { name, columns, required }: Handler,
  payload: string,
  consumers: Pick<LocalConsumers, 'takeHints' | 'hint'>,
): Promise<unknown> | undefined {
  // A flood of notifications costs no more than these two questions.
  if (!payload.startsWith('{') || !consumers.takeHints) return undefined;
  const key = keyOf(payload, { columns, required });
  return key && consumers.hint(name, key);
}

/** Undefined unless it names every column that the queue table must have. */
function keyOf(
  payload: string,
  { columns, required }: Pick<Handler, 'columns' | 'required'>,
): Key | undefined {
  let named: Record<string, unknown>;
  try {
    // It begins with a brace, so it is an object if it is JSON.
    named = JSON.parse(payload) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const key: Record<string, string | null> = {};
  for (const column of columns) {
    const value = Object.hasOwn(named, column) ? named[column] : undefined;
    if (typeof value === 'string' || value === null) key[column] = value;
    else if (value !== undefined || required.includes(column)) return undefined;
  }
  return key;
}
