/** What a column has, as in a notification: PostgreSQL's text of it is compared with String(value). */
export type ColumnValue = string | number | bigint | null;

/** The rows that a render has used: all of the channel that have these values. */
export interface Dependency {
  readonly channel: string;
  /** Sorted. */
  readonly columns: readonly string[];
  readonly values: readonly (string | null)[];
}

/** The columns of a notification. Undefined: anything of its channel may have changed. */
export type NotifiedKey = ReadonlyMap<string, string | null> | undefined;

/** Throws a TypeError for a value that no notification could ever name: its entry would stay for ever. */
export function dependencyOn(channel: string, columns: Readonly<Record<string, ColumnValue>>): Dependency {
  const names = Object.keys(columns).sort();
  return { channel, columns: names, values: names.map((name) => textOf(name, columns[name])) };
}

function textOf(column: string, value: ColumnValue | undefined): string | null {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value)))
    return String(value);
  const given = typeof value === 'object' ? value : String(value);
  throw new TypeError(
    `Cannot depend on column ${column}: ${Object.prototype.toString.call(given)} ${String(value)} is no text, number or null; give the text that PostgreSQL shows for it`,
  );
}

/** An object of columns, as `uncached.notify` and `uncached.enqueue` send it. Whatever else names no key. */
export function keyOf(payload: string): NotifiedKey {
  if (!payload.startsWith('{')) return undefined;
  const key = new Map<string, string | null>();
  try {
    for (const [column, value] of Object.entries(JSON.parse(payload) as object)) {
      if (typeof value === 'object' && value !== null) return undefined;
      key.set(column, value === null ? null : String(value));
    }
  } catch {
    return undefined;
  }
  return key;
}

/**
 * Whether a notification on the dependency's channel concerns it. A column that the notification does not name
 * may have any value: a change of a whole category concerns each port of it, and a misspelt column is
 * concerned by all.
 */
export function isConcerned({ columns, values }: Dependency, key: NotifiedKey): boolean {
  return (
    key === undefined ||
    columns.every((column, at) => {
      const changed = key.get(column);
      return changed === undefined || changed === values[at];
    })
  );
}
