import type { Key } from '../core/contracts.ts';

/** As `uncached clear` takes it, to be pasted. */
export function keyInWords(key: Key): string {
  return Object.entries(key)
    .map(([column, value]) => quote(`${column}=${value}`))
    .join(' ');
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
