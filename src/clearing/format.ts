import { componentsOf, parseBelow } from './below.ts';
import { checkName } from './name.ts';

export interface Format {
  /** Path components of a column's value, checked. Throws an Error that completes "column x …". */
  readonly split: (value: string) => string[];
  /** How many components there can be, and whether they can begin with a dot. */
  readonly reach: 'name' | 'path' | 'dotted path';
}

/** The format named after the colon of `{column:format}`; none is the value itself. Throws for a name that is not known. */
export function parseFormat(name: string | undefined): Format {
  if (name === undefined) return { split: (value) => [checkName(value)], reach: 'name' };
  // A leading `/` is dropped: paths in a database often have one.
  if (name === 'path') return { split: (value) => componentsOf(value).map(checkName), reach: 'path' };
  if (name === 'slug') return { split: (value) => [checkName(slug(value))], reach: 'name' };
  if (/^below( |$)/.test(name))
    return { split: parseBelow(name.slice('below'.length)), reach: 'dotted path' };
  if (name.includes('%')) return { split: parseDateFormat(name), reach: 'name' };
  throw new Error(`"${name}" is no format; there are path, below PREFIX, slug and dates such as %Y`);
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

/** Both ISO forms that a session with `datestyle = ISO` sends; infinity and years BC are no dates of pages. */
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
    return [checkName(text)];
  };
}
