import type { Key } from '../../src/core/contracts.ts';
import type { Random } from '../random.ts';

/** The parts of a template, from which its text is written. The reference therefore need not parse. */
export interface Meant {
  readonly components: readonly (readonly Token[])[];
  /** With a trailing `/`. */
  readonly directory: boolean;
}

export type Token =
  | { kind: 'text'; text: string }
  | { kind: 'column'; column: string }
  | { kind: 'below'; column: string; prefix: readonly string[] }
  | { kind: 'star' }
  | { kind: 'any' }
  | { kind: 'set'; characters: readonly string[]; negated: boolean };

const columns = ['a', 'b'];
const characters = [...'ab.*?[]\\!^-{} x\n\r\t$()|+é😀\u0301\ufffd~#%"\'\udcff', '..'];
const whole = [
  '.',
  '..',
  '...',
  '../..',
  '/',
  '//',
  'a/b',
  '/a',
  '',
  '\0',
  'a\0b',
  '-rf',
  '~',
  '*',
  '**',
  '\\',
  '\\*',
  '[a]',
  '[!a]',
];
const more = [
  '.a',
  'a.',
  '\ud800',
  'a\udfff',
  'a\udcff',
  '\udce9'.repeat(255),
  '😀',
  'x'.repeat(255),
  'x'.repeat(256),
  'é'.repeat(127),
  '..\\',
  '..\n',
  '\\..',
];

/** Any text that can be in a column, and much that should not be. */
export function anyValue(random: Random): string {
  if (random.chance(0.4)) return random.pick([...whole, ...more]);
  return random.list(4, () => random.pick(characters)).join('');
}

export function anyKey(random: Random, value: () => string = () => anyValue(random)): Key {
  return Object.fromEntries(columns.map((column) => [column, random.chance(0.02) ? null : value()]));
}

/** A path, often below the prefix that `{column:below PREFIX}` removes, or nearly so. */
export function anyPath(random: Random, name: () => string = () => anyValue(random)): string {
  const path = [...random.list(2, () => random.pick(prefix)), name(), ...random.list(1, name)];
  return random.pick(['', '/', '/p/q/', '/p/q/', '/p/qq/', '/x/p/q/', '/p/q']) + path.join('/');
}

const prefix = ['p', 'q'];

const column: Token = { kind: 'column', column: 'a' };
const below: Token = { kind: 'below', column: 'a', prefix };
const dot: Token = { kind: 'text', text: '.' };
const star: Token = { kind: 'star' };

/** Typical templates. */
const likely: readonly Token[][][] = [
  [[column]],
  [[star], [column]],
  [[star], [star], [column, star]],
  [[column], [star]],
  [[column, dot, star]],
  [[star, column]],
  [[below]],
  [[below, dot, star]],
  [[star], [below, star]],
];

export function anyTemplate(random: Random): Meant {
  const components = random.chance(0.4)
    ? random.pick(likely)
    : [random, ...random.list(2, () => random)].map(() => anyComponent(random));
  return { components, directory: random.chance(0.2) };
}

function anyComponent(random: Random): Token[] {
  const tokens = [random, ...random.list(2, () => random)].map(() => anyToken(random));
  const [first] = tokens;
  const dots = tokens.every((token) => token.kind === 'text' && /^\.+$/.test(token.text));
  return dots && first ? [...tokens, { kind: 'text', text: 'a' }] : tokens;
}

function anyToken(random: Random): Token {
  const text = () => random.pick(characters.filter((character) => character !== '..'));
  switch (random.pick(['text', 'column', 'column', 'below', 'star', 'any', 'set'] as const)) {
    case 'text':
      return { kind: 'text', text: text() };
    case 'column':
      return { kind: 'column', column: random.pick(columns) };
    case 'below':
      return { kind: 'below', column: random.pick(columns), prefix };
    case 'star':
      return { kind: 'star' };
    case 'any':
      return { kind: 'any' };
    case 'set':
      return { kind: 'set', characters: [text(), ...random.list(3, text)], negated: random.chance(0.3) };
  }
}

export function written({ components, directory }: Meant): string {
  return components.map((tokens) => tokens.map(inWords).join('')).join('/') + (directory ? '/' : '');
}

function inWords(token: Token): string {
  switch (token.kind) {
    case 'text':
      return /[*?[\]\\{}]/.test(token.text) ? escaped(token.text) : token.text;
    case 'column':
      return `{${token.column}}`;
    case 'below':
      return `{${token.column}:below /${token.prefix.join('/')}}`;
    case 'star':
      return '*';
    case 'any':
      return '?';
    case 'set':
      return `[${token.negated ? '!' : ''}${token.characters.map(escaped).join('')}]`;
  }
}

const escaped = (character: string) => `\\${character}`;
