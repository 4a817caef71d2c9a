/** Turns a column's value into path components: one, but for `:path`. Throws an Error that completes "column x …". */
export type Format = (value: string) => string[];

/** The format named after the colon of `{column:format}`; none is the value itself. Throws for a name that is not known. */
export function parseFormat(name: string | undefined): Format {
  if (name === undefined) return (value) => [checkName(value)];
  if (name === 'path') return parsePath;
  if (name === 'slug') return (value) => [checkName(slug(value))];
  if (name.includes('%')) return parseDateFormat(name);
  throw new Error(`"${name}" is no format; there are path, slug and dates such as %Y`);
}

/** Several components, each checked. A leading `/` is dropped: paths in a database often have one. */
export function parsePath(value: string): string[] {
  return value.replace(/^\//, '').split('/').map(checkName);
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

function parseDateFormat(format: string): Format {
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

/** What may stand in a path as (part of) one component. */
function checkName(value: string): string {
  if (value === '') throw new Error('is empty');
  if (value.startsWith('.')) throw new Error(`is ${JSON.stringify(value)}, which begins with a dot`);
  if (value.includes('/')) throw new Error(`is ${JSON.stringify(value)}, which contains "/"`);
  if (/\p{Surrogate}/u.test(value)) throw new Error('contains half a surrogate pair');
  if (value.includes('\0')) throw new Error('contains a NUL character');
  return value;
}
