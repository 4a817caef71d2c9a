import { readFileSync } from 'node:fs';
import { quoteLiteral } from './identifier.ts';

/** sql/ is next to src/ and to dist/. */
const sqlFolder = new URL('../../sql/', import.meta.url);

/**
 * The daemon's own tables and functions; `freshports` adds the queue tables of FreshPorts. Safe to run again.
 */
export function installSql({ freshports = false, folder = sqlFolder } = {}): string {
  return inOneTransaction(
    [
      '1-log.sql',
      '2-listen_for.sql',
      '3-assert.sql',
      '4-notify.sql',
      '5-enqueue.sql',
      '6-enqueue_key.sql',
      ...(freshports ? ['freshports.sql'] : []),
      '7-grants.sql',
    ],
    folder,
  );
}

/** What a database needs that already has its listen_for and its queue tables. */
export function logSql(): string {
  return inOneTransaction(['1-log.sql'], sqlFolder);
}

/** The barrier, with the queue tables that it waits for; none for a handler without one. */
export function barrierSql(
  handlers: readonly { handler: string; queue?: string }[],
  folder = sqlFolder,
): string {
  const rows = handlers.map(
    ({ handler, queue = '' }) => `  (${quoteLiteral(handler)}, ${quoteLiteral(queue)})`,
  );
  const known = `INSERT INTO uncached.barrier (handler, queue) VALUES\n${rows.join(',\n')}\nON CONFLICT DO NOTHING;\n`;
  return inOneTransaction(['barrier.sql'], folder, known);
}

export function uninstallSql(): string {
  return read('uninstall.sql', sqlFolder);
}

/**
 * If the first file is refused, the others are never run: psql goes on after an error, but the transaction
 * does not.
 */
function inOneTransaction(files: readonly string[], folder: URL, ...more: readonly string[]): string {
  return [...['0-begin.sql', ...files].map((file) => read(file, folder)), ...more, 'COMMIT;\n'].join('\n');
}

function read(file: string, folder: URL): string {
  return readFileSync(new URL(file, folder), 'utf8');
}
