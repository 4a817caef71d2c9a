import type { Key } from '../../src/core/contracts.ts';
import type { Meant, Token } from './generated.ts';

/** What doc/config.md says of templates, once more and without a regular expression: the judge of those we have. */

/** Whether no page can have this key, as far as this template names it. */
export function isRefused({ components }: Meant, key: Key): boolean {
  return components.some((tokens) => {
    const values = tokens.flatMap((token) => (token.kind === 'column' ? [key[token.column]] : []));
    return (
      values.some((value) => typeof value !== 'string' || !canBeName(value)) || leastBytes(tokens, key) > 255
    );
  });
}

function canBeName(value: string): boolean {
  if (value === '' || value[0] === '.' || value.includes('/') || value.includes('\0')) return false;
  try {
    encodeURIComponent(value);
    return true;
  } catch {
    return false; // half a surrogate pair
  }
}

function leastBytes(tokens: readonly Token[], key: Key): number {
  return wantsOf(tokens, key)
    .map((want) => (typeof want === 'string' ? Buffer.byteLength(want) : want.kind === 'star' ? 0 : 1))
    .reduce((sum, bytes) => sum + bytes, 0);
}

export function fits(tokens: readonly Token[], key: Key, name: string): boolean {
  const wants = wantsOf(tokens, key);
  if (name.startsWith('.') && wants[0] !== '.') return false;
  return fitsFrom(wants, [...name]);
}

/** A character that must stand there, or a wildcard. */
type Want = string | Exclude<Token, { kind: 'text' } | { kind: 'column' }>;

function wantsOf(tokens: readonly Token[], key: Key): Want[] {
  return tokens.flatMap((token): Want[] => {
    if (token.kind === 'text') return [...token.text];
    if (token.kind === 'column') return [...(key[token.column] ?? '')];
    return [token];
  });
}

function fitsFrom(wants: readonly Want[], characters: readonly string[]): boolean {
  const [want, ...others] = wants;
  if (want === undefined) return characters.length === 0;
  if (typeof want !== 'string' && want.kind === 'star')
    return characters.some((_one, at) => fitsFrom(others, characters.slice(at))) || fitsFrom(others, []);
  const [character, ...rest] = characters;
  return character !== undefined && fitsOne(want, character) && fitsFrom(others, rest);
}

function fitsOne(want: Want, character: string): boolean {
  if (typeof want === 'string') return want === character;
  if (want.kind === 'set') return want.characters.includes(character) !== want.negated;
  return true;
}
