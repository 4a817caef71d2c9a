import { decode, encode, hasBytes } from '../core/bytes.ts';
import { isWild, type PatternToken, tokensOf, unescapeData } from '../core/pattern.ts';
import type { Name } from './walk/directory.ts';

/** Decides whether one file name matches. */
export type Matcher = (name: string) => boolean;

const matchers = new Map<string, Matcher>();

/**
 * The matcher for a pattern's component. A wildcard never matches a leading dot, so it cannot reach temps and
 * other hidden files.
 */
export function matcher(component: string): Matcher {
  const known = matchers.get(component);
  if (known) return known;
  const made = make(component);
  // Wild components come from templates, of which there are few, but may contain data (`{day}.*`): do not
  // cache them all.
  if (matchers.size >= 1_000) matchers.clear();
  matchers.set(component, made);
  return made;
}

function make(component: string): Matcher {
  if (component === '*') return (name) => !name.startsWith('.');
  if (!isWild(component)) {
    const literal = unescapeData(component);
    return (name) => name === literal;
  }
  const wants = wantsOf(component);
  const hidden = component.startsWith('.');
  return (name) => (hidden || !name.startsWith('.')) && fits(wants, name);
}

/** The prefix that every name matched by the component has. */
export function prefixOf(component: string): string {
  // Nearly all components are purely wild or purely literal, and parsing one costs more than matching it.
  if (component.startsWith('*')) return '';
  if (!isWild(component)) return unescapeData(component);
  const wants = wantsOf(component);
  const end = wants.findIndex((want) => typeof want !== 'number');
  return String.fromCodePoint(...(wants as number[]).slice(0, end === -1 ? wants.length : end));
}

/** A character is a code point here, not a UTF-16 unit: names are compared by characters. */
type Want = 'run' | 'any' | (PatternToken & { kind: 'set' }) | number;

function wantsOf(component: string): readonly Want[] {
  return tokensOf(component).map((token) => {
    switch (token.kind) {
      case 'run':
      case 'any':
        return token.kind;
      case 'set':
        return token;
      case 'character':
        return token.character.codePointAt(0) ?? 0;
      default:
        return token satisfies never;
    }
  });
}

/**
 * Backtracks only to the last run of stars, which takes one character more. An earlier run need not take
 * more, since what follows it was found as early as possible. So the time is at most the product of the two
 * lengths, however many runs there are.
 */
function fits(wants: readonly Want[], name: string): boolean {
  let at = 0;
  let wanted = 0;
  let afterRun: { wanted: number; at: number } | undefined;
  while (at < name.length) {
    const want = wants[wanted];
    if (want === 'run') {
      wanted += 1;
      afterRun = { wanted, at };
      if (wanted === wants.length) return true;
      continue;
    }
    const character = name.codePointAt(at) ?? 0;
    if (want !== undefined && fitsOne(want, character)) {
      wanted += 1;
      at += lengthOf(character);
    } else if (afterRun) {
      afterRun.at += lengthOf(name.codePointAt(afterRun.at) ?? 0);
      ({ wanted, at } = afterRun);
    } else return false;
  }
  while (wants[wanted] === 'run') wanted += 1;
  return wanted === wants.length;
}

function fitsOne(want: Exclude<Want, 'run'>, character: number): boolean {
  if (want === 'any') return true;
  if (typeof want === 'number') return want === character;
  return want.ranges.some(({ first, last }) => first <= character && character <= last) !== want.negated;
}

/** Counted in UTF-16 units. */
function lengthOf(character: number): number {
  return character > 0xffff ? 2 : 1;
}

/** A name as text; a byte that is not UTF-8 becomes one character (core/bytes.ts). */
export function textOf(name: Name): string {
  return typeof name === 'string' ? name : decode(name);
}

/** The name that a text represents. */
export function nameOf(text: string): Name {
  return hasBytes(text) ? encode(text) : text;
}

/**
 * Whether a clearing of the pattern deletes this path below root: the path itself, or a directory that
 * contains it.
 */
export function patternCovers(
  pattern: string,
  { path, isDirectory }: { path: string; isDirectory: boolean },
): boolean {
  const directory = pattern.endsWith('/');
  const wanted = (directory ? pattern.slice(0, -1) : pattern).split('/');
  const components = path.split('/');
  if (wanted.length > components.length) return false;
  if (directory && wanted.length === components.length && !isDirectory) return false;
  return wanted.every((component, at) => matcher(component)(components[at] ?? ''));
}
