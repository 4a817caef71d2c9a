/** A name, quoted for SQL. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** NAMEDATALEN - 1: PostgreSQL cuts a longer name silently, so that `LISTEN` and `NOTIFY` still meet. */
const maxIdentifierBytes = 63;

/**
 * A name as PostgreSQL reads it unquoted: ASCII in lower case, at most 63 bytes, no character cut in half. People write
 * `NOTIFY Port_Updated` and mean the channel that `listen_for` calls Port_Updated.
 */
export function foldIdentifier(name: string): string {
  let folded = name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  while (Buffer.byteLength(folded) > maxIdentifierBytes) folded = [...folded].slice(0, -1).join('');
  return folded;
}
