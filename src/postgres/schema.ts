import { readdirSync, readFileSync } from 'node:fs';

/** sql/ lies beside src/ and dist/ alike. */
const folder = new URL('../../sql/', import.meta.url);

const uninstall = 'uninstall.sql';

/** Every file of sql/ but the one that uninstalls, in the order of their names. Safe to run again. */
export function installSql(): string {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql') && file !== uninstall)
    .sort()
    .map(read)
    .join('\n');
}

/** What a database needs that has its listen_for and its queue tables already. */
export function journalSql(): string {
  return read('1-journal.sql');
}

export function uninstallSql(): string {
  return read(uninstall);
}

function read(file: string): string {
  return readFileSync(new URL(file, folder), 'utf8');
}
