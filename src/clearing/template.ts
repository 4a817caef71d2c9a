import type { Key } from '../core/contracts.ts';
import { escapeData } from '../core/pattern.ts';
import { type Format, parseFormat, parsePath } from './format.ts';

/** A template after parsing, such as `ports/{category}/{port}/*`. */
export interface Template {
  readonly text: string;
  /** Columns it names, in order of appearance. */
  readonly columns: readonly string[];
  /** Components of the path before the first column or wildcard: a directory that should exist. */
  readonly literalDirectory: string;
  /** The pattern for every key there is. */
  readonly everything: string;
  /** The pattern for one key. Throws an Error in words for a key that cannot be part of a path. */
  expand(key: Key): string;
}

type Part = { kind: 'text'; text: string } | { kind: 'column'; column: string; format: Format };

/** Parses a template. Throws an Error that says what is wrong with it. */
export function parseTemplate(text: string): Template {
  const bad = (what: string) => new Error(`the template "${text}" ${what}`);
  if (text === '') throw bad('is empty');
  if (text.startsWith('/')) throw bad('begins with "/": templates are below root');

  const parts = [...parseParts(text, bad)];
  const skeleton = parts.map((part) => (part.kind === 'text' ? part.text : '\0')).join('');
  const components = skeleton.replace(/\/$/, '').split('/');
  for (const component of components) {
    if (component === '') throw bad('has an empty component ("//")');
    if (component === '.' || component === '..') throw bad(`has a component "${component}"`);
  }

  return {
    text,
    columns: [...new Set(parts.flatMap((part) => (part.kind === 'column' ? [part.column] : [])))],
    literalDirectory: literalDirectory(components),
    everything: everything(parts),
    expand: (key) => checkLengths(parts.map((part) => expandPart(part, key)).join('')),
  };
}

function* parseParts(text: string, bad: (what: string) => Error): Generator<Part> {
  const token = /\{([^{}]*)\}|(\\.)|\[[!^]?(?:\\.|[^\]\\/])+\]|([{}[\\\0])|[^{}[\\\0]+/gsy;
  for (const [all, column, escaped, stray] of text.matchAll(token)) {
    if (column !== undefined) yield parseColumn(column, bad);
    else if (stray === '[') throw bad('has a "[" without its "]"');
    else if (stray !== undefined && stray !== '\\') throw bad(`has a stray ${JSON.stringify(stray)}`);
    else if (stray === '\\') throw bad('ends in a backslash');
    else if (escaped === '\\/') throw bad('has a backslash before "/"');
    else yield { kind: 'text', text: all };
  }
}

function parseColumn(inside: string, bad: (what: string) => Error): Part {
  const [, column, , format] = /^([^:/]+)(:(.*))?$/s.exec(inside) ?? [];
  if (column === undefined) throw bad(`has "{${inside}}" where a column such as {port} is expected`);
  try {
    return { kind: 'column', column, format: parseFormat(format) };
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
    return part.format(value).map(escapeData).join('/');
  } catch (error) {
    throw new Error(`column ${part.column} ${(error as Error).message}: no page can have this key`);
  }
}

/** NAME_MAX; a longer name cannot exist, and asking for it would be an error of the file system's. */
const maxNameBytes = 255;

function checkLengths(pattern: string): string {
  // Short patterns, which is nearly all of them, cannot have a long component.
  if (pattern.length * 3 > maxNameBytes) {
    for (const component of pattern.split('/')) {
      if (Buffer.byteLength(component.replace(/\\(.)/gs, '$1')) > maxNameBytes) {
        throw new Error(
          `a component of ${component.slice(0, 40)}… is over ${maxNameBytes} bytes: no page can have this key`,
        );
      }
    }
  }
  return pattern;
}

/** With `*` for each column. Behind a `:path` nobody knows how deep it goes: everything from there on is cleared with its directory. */
function everything(parts: readonly Part[]): string {
  let pattern = '';
  for (const part of parts) {
    if (part.kind === 'column' && part.format === parsePath) return `${pattern}*`;
    pattern += part.kind === 'text' ? part.text : '*';
  }
  return pattern;
}

function literalDirectory(components: readonly string[]): string {
  const literal: string[] = [];
  for (const component of components.slice(0, -1)) {
    if (/[\0*?[\\]/.test(component)) break;
    literal.push(component);
  }
  return literal.join('/');
}
