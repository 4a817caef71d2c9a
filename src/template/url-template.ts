import type { Key } from '../core/contracts.ts';
import { type ColumnTemplate, parseColumns } from './column-template.ts';
import { parseFormat } from './format.ts';
import { noCharacters, ofPaths, percent, unreserved } from './percent.ts';

/** Longer ones are not cached anywhere. */
const maxBytes = 2_000;

/**
 * Parses a line of `url[]`, such as `/{category}/{port}/`: path and query as visitors send them, which caches
 * compare byte by byte. Throws an Error that says what is wrong with it.
 */
export function parseUrl(text: string): ColumnTemplate {
  const bad = (what: string) => new Error(`the url "${text}" ${what}`);
  if (!text.startsWith('/')) throw bad('does not begin with "/": write path and query, without the site');
  const template = parseColumns(text, formatOf, bad);
  const literal = template.literals.join('x');
  const strange = /[^\x21-\x7e]|["#<>\\^`|*]/.exec(literal)?.[0];
  if (strange !== undefined)
    throw bad(
      strange === '*'
        ? 'has a "*": wildcards are for page files alone'
        : `has ${JSON.stringify(strange)}: write it as browsers send it, ${percent(strange, noCharacters)}`,
    );
  if (literal.includes('//')) throw bad('has an empty component ("//")');
  return { ...template, expand: (key) => checkUrl(template, key) };
}

function checkUrl(template: ColumnTemplate, key: Key): string {
  const url = template.expand(key);
  if (url.length > maxBytes)
    throw new Error(`a url of ${url.slice(0, 40)}… is over ${maxBytes} bytes: no page can have this key`);
  return url;
}

function formatOf(name: string | undefined): (value: string) => string {
  if (name === undefined) return (value) => percent(checkComponent(value), ofPaths);
  if (name === 'strict' || name === 'query' || name === 'url')
    return (value) => percent(checkComponent(value), unreserved);
  const { split } = parseFormat(name, ', strict, query');
  return (value) =>
    split(checkControls(value))
      .map((component) => percent(component, ofPaths))
      .join('/');
}

function checkComponent(value: string): string {
  if (value === '.' || value === '..') throw new Error(`is "${value}", which is no name`);
  return checkControls(value);
}

function checkControls(value: string): string {
  if (/[\0-\x1f\x7f]/.test(value)) throw new Error('contains a control character');
  return value;
}
