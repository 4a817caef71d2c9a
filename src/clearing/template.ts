import { byteLength, recombine } from '../core/bytes.ts';
import type { Key } from '../core/contracts.ts';
import { escapeData, unescapeData } from '../core/pattern.ts';
import { type Format, parseFormat } from './format.ts';

/** A template after parsing, such as `ports/{category}/{port}/*`. */
export interface Template {
  readonly text: string;
  /** Columns it names, in order of appearance. */
  readonly columns: readonly string[];
  /** Components of the path before the first column or wildcard: a directory that should exist. */
  readonly literalDirectory: string;
  /** Patterns for every key there is. */
  readonly everything: readonly string[];
  readonly parts: readonly Part[];
  /** The pattern for one key. Throws an Error in words for a key that cannot be part of a path. */
  expand(key: Key): string;
}

/** Text is literal but for wildcards and backslashes. `formatName` is what stood behind the colon. */
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
    literalDirectory: literalDirectory(components),
    everything: everything(parts),
    parts,
    expand: (key) => checkLengths(recombine(parts.map((part) => expandPart(part, key)).join(''))),
  };
}

function* parseParts(text: string, bad: (what: string) => Error): Generator<Part> {
  const token = /\{([^{}]*)\}|(\\.)|\[[!^]?(?:\\.|[^\]\\/])+\]|([{}[\\])|[^{}[\\]+/gsy;
  for (const [all, column, escaped, stray] of text.matchAll(token)) {
    if (column !== undefined) yield parseColumn(column, bad);
    else if (stray === '[') throw bad('has a "[" without its "]"');
    else if (stray !== undefined && stray !== '\\') throw bad(`has a stray ${JSON.stringify(stray)}`);
    else if (stray === '\\') throw bad('ends in a backslash');
    else if (escaped === '\\/') throw bad('has a backslash before "/"');
    else if (all.startsWith('[')) yield { kind: 'text', text: checkRanges(all, bad) };
    else yield { kind: 'text', text: all };
  }
}

/** A range that ends before it begins is a mistake, and no regular expression. */
function checkRanges(set: string, bad: (what: string) => Error): string {
  for (const [range, from, to] of set
    .replace(/^\[[!^]?|\]$/g, '')
    .matchAll(/(\\.|[^\\])-(\\.|[^\\])|\\.|./gsu)) {
    const [first, last] = [from, to].map((end) => unescapeData(end ?? '').codePointAt(0) ?? 0);
    if ((first ?? 0) > (last ?? 0)) throw bad(`has the range "${range}", which is backwards`);
  }
  return set;
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

function expandPart(part: Part, key: Key): string {
  if (part.kind === 'text') return part.text;
  const value = key[part.column];
  try {
    if (value === undefined) throw new Error('is not in the key');
    if (value === null) throw new Error('is NULL');
    return part.format.split(value).map(escapeData).join('/');
  } catch (error) {
    throw new Error(`column ${part.column} ${(error as Error).message}: no page can have this key`);
  }
}

/** NAME_MAX and PATH_MAX; nothing longer can exist, and asking for it would be an error of the file system's. */
const maxNameBytes = 255;
const maxPathBytes = 4_095;

function checkLengths(pattern: string): string {
  // Short patterns, which is nearly all of them, cannot have a long component.
  if (pattern.length * 3 <= maxNameBytes) return pattern;
  const shortest = pattern.split('/').map(shortestName);
  for (const name of shortest) {
    if (byteLength(name) > maxNameBytes)
      throw new Error(
        `a component of ${name.slice(0, 40)}… is over ${maxNameBytes} bytes: no page can have this key`,
      );
  }
  if (byteLength(shortest.join('/')) > maxPathBytes)
    throw new Error(
      `a path of ${pattern.slice(0, 40)}… is over ${maxPathBytes} bytes: no page can have this key`,
    );
  return pattern;
}

/**
 * With `*` for each column. Behind a path nobody knows how deep it goes: everything from there on is cleared with its directory, what is
 * hidden too if such a path can name it.
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

/** As short as a name can be that the component matches: `*` may stand for nothing. */
function shortestName(component: string): string {
  const token = /\\(.)|(\*)|\[[!^]?(?:\\.|[^\]\\])+\]|(.)/gsu;
  return component.replace(token, (_all, escaped, star, plain) => escaped ?? (star ? '' : (plain ?? '?')));
}

function literalDirectory(components: readonly string[]): string {
  const literal: string[] = [];
  for (const component of components.slice(0, -1)) {
    if (/[\0*?[\\]/.test(component)) break;
    literal.push(component);
  }
  return literal.join('/');
}
