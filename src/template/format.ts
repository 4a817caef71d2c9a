import { marker, pageOfTemp } from '../core/reserved-names.ts';

export interface Format {
  /** Turns a column's value into checked path components. Throws an Error that completes "column x …". */
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
  // A leading `/` is dropped: paths in a database often have one.
  if (name === 'path') return { split: (value) => componentsOf(value).map(checkComponent), reach: 'path' };
  if (name === 'slug') return { split: (value) => [checkComponent(slug(value))], reach: 'name' };
  if (/^below( |$)/.test(name))
    return { split: parseBelow(name.slice('below'.length)), reach: 'dotted path' };
  if (name.includes('%')) return { split: parseDateFormat(name), reach: 'name' };
  throw new Error(`"${name}" is no format; there are path, below PREFIX, slug${others} and dates such as %Y`);
}

/** FreshPorts' cleaned commit ids: lower case, each run of other characters becomes one `-`. */
function slug(value: string): string {
  return value.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}

const directives: Readonly<Record<string, string>> = {
  Y: 'year',
  m: 'month',
  d: 'day',
  H: 'hour',
  M: 'minute',
};

/**
 * Both ISO forms that a session with `datestyle = ISO` sends; infinity and years BC are not dates of pages.
 */
const isoDate =
  /^(?<year>\d{4,})-(?<month>\d\d)-(?<day>\d\d)(?:[ T](?<hour>\d\d):(?<minute>\d\d)(?::\d\d(?:\.\d+)?)?(?:[+-][\d:]+)?)?$/;

function parseDateFormat(format: string): Format['split'] {
  if (format.includes('/')) throw new Error('a date format cannot contain "/": write {day:%Y}/{day:%m}');
  for (const [, letter = ''] of format.matchAll(/%(.?)/gs)) {
    if (!Object.hasOwn(directives, letter))
      throw new Error(`%${letter} is no date directive; there are %Y %m %d %H %M`);
  }
  return (value) => {
    const fields = isoDate.exec(value)?.groups;
    if (!fields) throw new Error(`is "${value}", which is no date such as 2020-01-31`);
    const text = format.replace(/%(.)/g, (_all, letter) => fields[directives[letter] ?? ''] ?? '00');
    return [checkComponent(text)];
  };
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
