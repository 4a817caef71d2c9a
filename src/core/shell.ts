import { encode } from './bytes.ts';
import { isPrintable } from './printable-text.ts';

/**
 * A word quoted for the shell, to be pasted. Unprintable characters are written byte by byte, in `$'…'`,
 * which all but the smallest shells understand.
 */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (isPrintable(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  const characters = [...word].map((one) => {
    if (/['\\]/.test(one)) return `\\${one}`;
    return isPrintable(one) ? one : [...encode(one)].map(octal).join('');
  });
  return `$'${characters.join('')}'`;
}

function octal(byte: number): string {
  return `\\${byte.toString(8).padStart(3, '0')}`;
}
