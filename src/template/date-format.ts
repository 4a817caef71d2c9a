import { didYouMean } from '../core/suggest.ts';

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
  /^(?<year>\d{4,})-(?<month>\d\d)-(?<day>\d\d)(?:[ T](?<hour>\d\d):(?<minute>\d\d)(?::\d\d(?:\.\d+)?)?(?<offset>[+-][\d:]+)?)?$/;

/** `%Y-%m in Europe/Berlin`, split. Undefined if the name of a format has no directive. */
export function splitDateFormat(name: string): { format: string; zone: string | undefined } | undefined {
  if (!name.includes('%')) return undefined;
  const [, format = name, zone] = /^(.*%.*) in ([^\s%]+)$/s.exec(name) ?? [];
  return { format, zone };
}

/**
 * Turns a date into text. Throws an Error for a format or a zone that does not exist; what it returns throws one that
 * completes "column x …".
 */
export function parseDateFormat({
  format,
  zone,
}: {
  format: string;
  zone: string | undefined;
}): (value: string) => string {
  if (format.includes('/')) throw new Error('a date format cannot contain "/": write {day:%Y}/{day:%m}');
  for (const [, letter = ''] of format.matchAll(/%(.?)/gs)) {
    if (!Object.hasOwn(directives, letter))
      throw new Error(`%${letter} is no date directive; there are %Y %m %d %H %M`);
  }
  const clock = zone === undefined ? undefined : clockIn(zone);
  return (value) => {
    const written = isoDate.exec(value)?.groups;
    if (!written) throw new Error(`is "${value}", which is no date such as 2020-01-31`);
    const fields = clock ? clock(instantOf(value, written)) : written;
    return format.replace(/%(.)/g, (_all, letter) => fields[directives[letter] ?? ''] ?? '00');
  };

  function instantOf(value: string, { offset }: Readonly<Record<string, string | undefined>>): number {
    if (offset === undefined)
      throw new Error(`is "${value}", which says no time zone, so it cannot be converted to ${zone}`);
    return parseInstant(value);
  }
}

type Fields = Readonly<Record<string, string>>;

/**
 * What a clock in a time zone shows, by the rules of daylight saving that Node has.
 * @param zone as in the IANA database: Europe/Berlin. Throws an Error if there is none of that name.
 */
function clockIn(zone: string): (instant: number) => Fields {
  const shown = formatterOf(zone);
  return (instant) => {
    const fields = Object.fromEntries(shown.formatToParts(instant).map(({ type, value }) => [type, value]));
    return { ...fields, year: (fields.year ?? '').padStart(4, '0') };
  };
}

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  // Node takes some offsets, too, but which ones depends on its version.
  const isName = /^[A-Za-z]/.test(timeZone);
  try {
    if (isName)
      return new Intl.DateTimeFormat('en-US', {
        timeZone,
        calendar: 'gregory',
        numberingSystem: 'latn',
        hourCycle: 'h23',
        year: 'numeric',
        month: '2-digit',
        day: '2-digit',
        hour: '2-digit',
        minute: '2-digit',
      });
  } catch {}
  throw new Error(
    `"${timeZone}" is no time zone${didYouMean(timeZone, Intl.supportedValuesOf('timeZone')) || ' such as Europe/Berlin'}`,
  );
}

/** Milliseconds since 1970 of an ISO timestamp with an offset, as PostgreSQL writes it: +00, +05:30 or -00:53:28. */
function parseInstant(value: string): number {
  const [, date = '', hour, minute, second, sign, ...offset] =
    /^(\d+-\d\d-\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?[^+-]*([+-])(\d\d)(?::?(\d\d))?(?::?(\d\d))?$/.exec(
      value,
    ) ?? [];
  const [year = 0, month = 1, day = 1] = date.split('-').map(Number);
  const local = new Date(0);
  local.setUTCFullYear(year, month - 1, day);
  local.setUTCHours(Number(hour), Number(minute), Number(second ?? 0));
  const [hours, minutes = 0, seconds = 0] = offset.map((part) => Number(part ?? 0));
  const east = ((hours ?? 0) * 3_600 + minutes * 60 + seconds) * (sign === '-' ? -1 : 1);
  const instant = local.getTime() - east * 1_000;
  if (Number.isNaN(instant)) throw new Error(`is "${value}", which is no date such as 2020-01-31`);
  return instant;
}

/** An instant at which a clock in the zone shows this, as PostgreSQL writes it in UTC. */
export function instantAt(zone: string, shown: { date: string; time: string }): string {
  const wanted = Date.parse(`${shown.date}T${shown.time}Z`);
  const clock = clockIn(zone);
  let instant = wanted;
  // The offset at the first guess may be that of the other side of a change.
  for (let guess = 0; guess < 2; guess++) {
    const { year, month, day, hour, minute } = clock(instant);
    instant += wanted - Date.parse(`${year}-${month}-${day}T${hour}:${minute}:00Z`);
  }
  return `${new Date(instant).toISOString().slice(0, 19).replace('T', ' ')}+00`;
}
