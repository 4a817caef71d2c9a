import type { Key } from '../../src/core/contracts.ts';
import type { Meant, Token } from './generated.ts';

/**
 * A second implementation of what doc/config.md says of templates, without regular expressions. The real one
 * is compared with it.
 */

/**
 * The template with each `{column:below PREFIX}` replaced by its value. Undefined where no page can have this
 * key. Adjacent text belongs to the first and the last component of the value.
 */
export function spread({ components, directory }: Meant, key: Key): Meant | undefined {
  const spreaded: Token[][] = [];
  for (const tokens of components) {
    spreaded.push([]);
    for (const token of tokens) {
      const names = token.kind === 'below' ? namesBelow(key[token.column], token.prefix) : [];
      if (names === undefined) return undefined;
      if (token.kind !== 'below') spreaded.at(-1)?.push(token);
      names.forEach((text, at) => {
        if (at > 0) spreaded.push([]);
        spreaded.at(-1)?.push({ kind: 'text', text });
      });
    }
  }
  return { components: spreaded, directory };
}

function namesBelow(value: string | null | undefined, prefix: readonly string[]): string[] | undefined {
  if (typeof value !== 'string') return undefined;
  const names = value.split('/');
  if (names[0] === '' && names.length > 1) names.shift();
  const start = names.slice(0, prefix.length);
  if (start.join('/') === prefix.join('/')) names.splice(0, prefix.length);
  return names.length > 0 && names.every(canBePartOfPath) ? names : undefined;
}

function canBePartOfPath(name: string): boolean {
  if (name === '.' || name === '..' || name === '.uncached') return false;
  // A temp: a dot, at least one character, a dot, 16 of these digits, `.tmp`.
  const digits = [...name.slice(-20, -4)];
  const isTemp =
    name[0] === '.' &&
    name.length >= 23 &&
    name.at(-21) === '.' &&
    name.endsWith('.tmp') &&
    digits.every((digit) => '0123456789abcdef'.includes(digit));
  return !isTemp && canBeName(name[0] === '.' ? `a${name}` : name);
}

/** Whether no page can have this key, considering the columns in this template. */
export function isRefused(meant: Meant, key: Key): boolean {
  const components = spread(meant, key)?.components;
  if (!components) return true;
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
    encodeURIComponent([...value].filter((character) => !isByte(character)).join(''));
    return true;
  } catch {
    return false; // half a surrogate pair
  }
}

/** A byte that is not UTF-8. */
function isByte(character: string): boolean {
  return character.length === 1 && character >= '\udc80' && character <= '\udcff';
}

function leastBytes(tokens: readonly Token[], key: Key): number {
  return wantsOf(tokens, key)
    .map((want) => (typeof want === 'string' ? bytesOf(want) : want.kind === 'star' ? 0 : 1))
    .reduce((sum, bytes) => sum + bytes, 0);
}

function bytesOf(character: string): number {
  return isByte(character) ? 1 : Buffer.byteLength(character);
}

export function fits(tokens: readonly Token[], key: Key, name: string): boolean {
  const wants = wantsOf(tokens, key);
  if (name.startsWith('.') && wants[0] !== '.') return false;
  return fitsFrom(wants, [...name]);
}

/** A character that must be at this position, or a wildcard. */
type Want = string | Exclude<Token, { kind: 'text' } | { kind: 'column' } | { kind: 'below' }>;

function wantsOf(tokens: readonly Token[], key: Key): Want[] {
  return tokens.flatMap((token): Want[] => {
    if (token.kind === 'text') return [...token.text];
    if (token.kind === 'below') throw new Error('a template must be spread first');
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
