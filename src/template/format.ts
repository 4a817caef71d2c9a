import { marker, pageOfTemp } from '../core/reserved-names.ts';
import { parseDateFormat, splitDateFormat } from './date-format.ts';
import { percent, unreserved } from './percent.ts';
import { dashes, slug } from './slug.ts';

export interface Format {
  /**
   * Turns a column's value into checked path components; a `path` may have none, which is the top. Throws an Error that
   * completes "column x …".
   */
  readonly split: (value: string) => string[];
  /** How many components there can be, and whether they can begin with a dot. */
  readonly reach: 'name' | 'path' | 'dotted path';
}

/**
 * The format named after the colon of `{column:format}`; without one, the value itself. Throws for an unknown
 * name.
 * @param others further names that the caller knows, for that message
 */
export function parseFormat(name: string | undefined, others = ''): Format {
  if (name === undefined) return { split: (value) => [checkComponent(value)], reach: 'name' };
  if (name === 'path') return { split: (value) => namesOf(value).map(checkComponent), reach: 'path' };
  if (name === 'url') return { split: (value) => [checkComponent(encodeName(value))], reach: 'name' };
  if (name === 'slug') return { split: (value) => [checkSlug(slug(value), value)], reach: 'name' };
  if (name === 'dashes') return { split: (value) => [checkComponent(dashes(value))], reach: 'name' };
  if (/^below( |$)/.test(name))
    return { split: parseBelow(name.slice('below'.length)), reach: 'dotted path' };
  const date = splitDateFormat(name);
  if (date) {
    const write = parseDateFormat(date);
    return { split: (value) => [checkComponent(write(value))], reach: 'name' };
  }
  throw new Error(
    `"${name}" is no format; there are path, below PREFIX, url, slug, dashes${others} and dates such as %Y`,
  );
}

/** As one component: a "/" in it is `%2F`. */
function encodeName(value: string): string {
  checkWhole(value);
  return percent(value, unreserved);
}

function checkSlug(made: string, value: string): string {
  if (made === '' && value !== '')
    throw new Error(`is ${JSON.stringify(value)}, of which no letter or digit is left in a slug`);
  return checkComponent(made);
}

/** Checks (a part of) one path component. Throws an Error that completes "column x …". */
function checkComponent(value: string): string {
  if (value.startsWith('.')) throw new Error(`is ${JSON.stringify(value)}, which begins with a dot`);
  return checkCharacters(value);
}

/** The same where a leading dot is allowed; names that are hidden for a reason of ours stay out of reach. */
function checkHiddenComponent(value: string): string {
  if (value === '.' || value === '..')
    throw new Error(`has a component ${JSON.stringify(value)}, which is no name`);
  if (value === marker) throw new Error(`has a component "${marker}", which is uncached's own file`);
  if (pageOfTemp(value) !== undefined)
    throw new Error(`has a component ${JSON.stringify(value)}, which is a page being written`);
  return checkCharacters(value);
}

function checkCharacters(value: string): string {
  if (value === '') throw new Error('is empty');
  if (value.includes('/')) throw new Error(`is ${JSON.stringify(value)}, which contains "/"`);
  return checkWhole(value);
}

function checkWhole(value: string): string {
  // Except those that represent bytes (core/bytes.ts).
  if (/[\ud800-\udc7f\udd00-\udfff]/u.test(value)) throw new Error('contains half a surrogate pair');
  if (value.includes('\0')) throw new Error('contains a NUL character');
  return value;
}

/**
 * `{column:below /ports/head}`: the components of a path without those of the prefix, which is removed only
 * at the front and by whole components; a path that is not below it stays whole. A database's own paths may
 * have hidden files, such as `.gitignore`, and these have pages like any other.
 */
function parseBelow(argument: string): (value: string) => string[] {
  const prefix = componentsOf(argument.trim().replace(/\/$/, ''));
  try {
    prefix.forEach(checkComponent);
  } catch (error) {
    throw new Error(
      `"below" takes a path such as /ports/head, and "${argument}" ${(error as Error).message}`,
    );
  }
  return (value) => {
    const path = componentsOf(value);
    const below = prefix.every((component, at) => component === path[at]);
    if (below && path.length === prefix.length)
      throw new Error(`is ${JSON.stringify(value)}, of which nothing is below /${prefix.join('/')}`);
    return path.slice(below ? prefix.length : 0).map(checkHiddenComponent);
  };
}

/** A leading `/` is dropped. */
function componentsOf(path: string): string[] {
  return path.replace(/^\//, '').split('/');
}

/** `/docs/intro/` is docs/intro, and `/` the top. */
function namesOf(path: string): string[] {
  if (path === '/') return [];
  const names = componentsOf(path);
  return names.length > 1 && names.at(-1) === '' ? names.slice(0, -1) : names;
}
