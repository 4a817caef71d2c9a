import type { Key } from '../../core/contracts.ts';
import { shellWord } from '../../core/shell.ts';

/** As `uncached clear` takes it, to be pasted. */
export function formatKey(key: Key): string {
  return Object.entries(key)
    .map(([column, value]) => shellWord(`${column}=${value}`))
    .join(' ');
}
