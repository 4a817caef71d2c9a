import { byteLength, recombine } from '../core/bytes.ts';
import type { Key } from '../core/contracts.ts';
import { escapeData, isWild, rangesOf, setSource, tokensOf, unescapeData } from '../core/pattern.ts';
import { formatOversize, keySize } from '../core/value-size.ts';
import { type Format, parseFormat } from './format.ts';

/** A template after parsing, such as `ports/{category}/{port}/*`. */
export interface Template {
  readonly text: string;
  /** Columns it names, in order of appearance. */
  readonly columns: readonly string[];
  /** Components of the path before the first column or wildcard: a directory that should exist. */
  readonly literalDirectory: string;
  /**
   * The same, and also the last component of a literal template: what the administrator named literally,
   * which may be a mount.
   */
  readonly front: string;
  /** The patterns for every possible key. */
  readonly everything: readonly string[];
  readonly parts: readonly Part[];
  /**
   * The pattern for one key. Throws an Error with a clear message for a key that cannot be part of a path.
   */
  expand(key: Key): string;
}

/** Text is literal except for wildcards and backslashes. `formatName` is the text after the colon. */
export type Part =
  | { kind: 'text'; text: string }
  | { kind: 'column'; column: string; formatName: string | undefined; format: Format };

/** Parses a template. Throws an Error that says what is wrong with it. */
export function parseTemplate(text: string): Template {
  const bad = (what: string) => new Error(`the template "${text}" ${what}`);
  if (text === '') throw bad('is empty');
  if (text.startsWith('/')) throw bad('begins with "/": templates are below root');

  if (text.includes('\0')) throw bad(`has a stray ${JSON.stringify('\0')}`);

  const parts = [...parseParts(text, bad)];
  const skeleton = parts.map((part) => (part.kind === 'text' ? part.text : '\0')).join('');
  const components = skeleton.replace(/\/$/, '').split('/');
  for (const component of components) {
    if (component === '') throw bad('has an empty component ("//")');
    const name = unescapeData(component);
    if (name === '.' || name === '..') throw bad(`has a component "${component}"`);
  }

  return {
    text,
    columns: [...new Set(parts.flatMap((part) => (part.kind === 'column' ? [part.column] : [])))],
    literalDirectory: literalPath(components.slice(0, -1)),
    front: literalPath(components),
    everything: everything(parts),
    parts,
    expand: (key) => checkLengths(recombine(expandParts(parts, key))),
  };
}

const piece = new RegExp(
  String.raw`\{(?<column>[^{}]*)\}|(?<escaped>\\.)|${setSource}|(?<stray>[{}[\\])|[^{}[\\]+`,
  'gsy',
);

function* parseParts(text: string, bad: (what: string) => Error): Generator<Part> {
  for (const { 0: all, groups = {} } of text.matchAll(piece)) {
    const { column, escaped, members, stray } = groups;
    if (column !== undefined) yield parseColumn(column, bad);
    else if (stray === '[') throw bad('has a "[" without its "]"');
    else if (stray !== undefined && stray !== '\\') throw bad(`has a stray ${JSON.stringify(stray)}`);
    else if (stray === '\\') throw bad('ends in a backslash');
    else if (escaped === '\\/') throw bad('has a backslash before "/"');
    else {
      checkRanges(members ?? '', bad);
      yield { kind: 'text', text: all };
    }
  }
}

/** A range that ends before it begins is a mistake. */
function checkRanges(members: string, bad: (what: string) => Error): void {
  for (const { first, last } of rangesOf(members)) {
    const range = `${String.fromCodePoint(first)}-${String.fromCodePoint(last)}`;
    if (first > last) throw bad(`has the range "${range}", which is backwards`);
  }
}

function parseColumn(inside: string, bad: (what: string) => Error): Part {
  const [, column, , formatName] = /^([^:/]+)(:(.*))?$/s.exec(inside) ?? [];
  if (column === undefined) throw bad(`has "{${inside}}" where a column such as {port} is expected`);
  try {
    return { kind: 'column', column, formatName, format: parseFormat(formatName) };
  } catch (error) {
    throw bad(`has "{${inside}}": ${(error as Error).message}`);
  }
}

function expandParts(parts: readonly Part[], key: Key): string {
  let pattern = '';
  let isTop = false;
  parts.forEach((part, at) => {
    const text = expandPart(part, key);
    // The path "/" has no name: `{path:path}/index.html` is index.html. Anything but a further name would be a
    // directory above all those that the template means.
    if (isTop && !(part.kind === 'text' && /^\/./s.test(text + (parts[at + 1] ? 'x' : ''))))
      throw noName(parts[at - 1]);
    pattern += isTop ? text.slice(1) : text;
    isTop = part.kind === 'column' && text === '';
    if (isTop && !/(^|\/)$/.test(pattern)) throw noName(part);
  });
  if (isTop) throw noName(parts.at(-1));
  return pattern;
}

function noName(part: Part | undefined): Error {
  const column = part?.kind === 'column' ? part.column : '';
  return new Error(
    `column ${column} is "/", the top, which only {${column}:path}/NAME can name: no page can have this key`,
  );
}

function expandPart(part: Part, key: Key): string {
  if (part.kind === 'text') return part.text;
  const value = key[part.column];
  try {
    if (value === undefined)
      throw new Error(`is ${key[keySize] === undefined ? 'not in the key' : `in a key of ${key[keySize]}`}`);
    if (value === null) throw new Error('is NULL');
    const size = formatOversize(value);
    if (size !== undefined) throw new Error(`is ${size}`);
    return part.format.split(value).map(escapeData).join('/');
  } catch (error) {
    throw new Error(`column ${part.column} ${(error as Error).message}: no page can have this key`);
  }
}

/** NAME_MAX and PATH_MAX; nothing longer can exist, and the file system would report an error for it. */
const maxNameBytes = 255;
const maxPathBytes = 4_095;

function checkLengths(pattern: string): string {
  // Short patterns, which is nearly all of them, cannot have a long component.
  if (pattern.length * 3 <= maxNameBytes) return pattern;
  // The shortest possible name is computed only where the component is too long as written: with keys of
  // kilobytes that is most of the work.
  const tooLong = (text: string, most: number) =>
    byteLength(text) > most && byteLength(text.split('/').map(shortestName).join('/')) > most;
  for (const name of pattern.split('/')) {
    if (name.length * 3 > maxNameBytes && tooLong(name, maxNameBytes))
      throw new Error(
        `a component of ${shortestName(name).slice(0, 40)}… is over ${maxNameBytes} bytes: no page can have this key`,
      );
  }
  if (tooLong(pattern, maxPathBytes))
    throw new Error(
      `a path of ${pattern.slice(0, 40)}… is over ${maxPathBytes} bytes: no page can have this key`,
    );
  return pattern;
}

/**
 * With `*` for each column. A path column may be of any depth: everything from there on is cleared with its
 * directory, including hidden files if such a path can name them.
 */
function everything(parts: readonly Part[]): string[] {
  let pattern = '';
  for (const part of parts) {
    const reach = part.kind === 'column' ? part.format.reach : undefined;
    if (reach === 'path') return [`${pattern}*`];
    if (reach === 'dotted path')
      return /(^|\/)$/.test(pattern) ? [`${pattern}*`, `${pattern}.*`] : [`${pattern}*`];
    pattern += part.kind === 'text' ? part.text : '*';
  }
  return [pattern];
}

/** The shortest name that the component can match: `*` may match nothing. */
function shortestName(component: string): string {
  return tokensOf(component)
    .map((token) => (token.kind === 'character' ? token.character : token.kind === 'run' ? '' : '?'))
    .join('');
}

/** The first components, up to the first column or wildcard. */
function literalPath(components: readonly string[]): string {
  const end = components.findIndex((component) => component.includes('\0') || isWild(component));
  const literal = end === -1 ? components : components.slice(0, end);
  return literal.map(unescapeData).join('/');
}
