import type { Key } from '../core/contracts.ts';
import { instantAt, splitDateFormat } from './date-format.ts';
import { decodePercent } from './percent.ts';

/** What a column matched at one place of the path. */
export interface ColumnText {
  readonly column: string;
  readonly formatName: string | undefined;
  readonly text: string;
}

/** A key that leads to a path, and which parts of it are uncertain. */
export interface KeyCandidate {
  readonly key: Key;
  /** Columns whose other values lead there too, and which these are. */
  readonly alternatives: Readonly<Record<string, string>>;
}

/** The possible values of a column. */
interface Value {
  readonly value: string;
  readonly alternatives?: string;
}

function isBelow(formatName: string | undefined): formatName is string {
  return formatName !== undefined && /^below( |$)/.test(formatName);
}

/**
 * A candidate key built from what each column matched; undefined if the texts contradict each other. Verify
 * it by expanding the template.
 */
export function candidateFor(texts: readonly ColumnText[]): KeyCandidate | undefined {
  const key: Record<string, string> = {};
  const alternatives: Record<string, string> = {};
  for (const column of new Set(texts.map((one) => one.column))) {
    const own = texts.filter((one) => one.column === column);
    const found = valueFor(own);
    if (found === undefined) return undefined;
    key[column] = found.value;
    if (found.alternatives !== undefined) alternatives[column] = found.alternatives;
  }
  return { key, alternatives };
}

/** The most specific match decides; expanding verifies that the others agree. */
function valueFor(texts: readonly ColumnText[]): Value | undefined {
  const of = (fits: (formatName: string | undefined) => boolean) =>
    texts.find(({ formatName }) => fits(formatName));
  const plain = of((formatName) => formatName === undefined);
  if (plain) return { value: plain.text };
  const url = of((formatName) => formatName === 'url');
  if (url) return { value: decodePercent(url.text) };
  const path = of((formatName) => formatName === 'path');
  if (path?.text === '') return { value: '/' };
  if (path) return { value: `/${path.text}`, alternatives: 'with or without "/" at its ends' };
  const below = of(isBelow);
  if (below) return valueBelow(below);
  const dates = texts.flatMap(({ formatName = '', text }) => {
    const date = splitDateFormat(formatName);
    return date ? [{ ...date, text }] : [];
  });
  if (dates.length > 0) return dateValue(dates);
  const slug = texts[0]?.text ?? '';
  return { value: slug, alternatives: `or any other value with the slug "${slug}"` };
}

function valueBelow({ formatName = '', text }: ColumnText): Value {
  const prefix = formatName
    .slice('below'.length)
    .trim()
    .replace(/^\/|\/$/g, '');
  return { value: `/${prefix}/${text}`, alternatives: `or "/${text}", each with or without the leading "/"` };
}

const digits: Readonly<Record<string, string>> = {
  Y: '\\d{4,}',
  m: '\\d\\d',
  d: '\\d\\d',
  H: '\\d\\d',
  M: '\\d\\d',
};

interface DateText {
  readonly format: string;
  readonly zone: string | undefined;
  readonly text: string;
}

/**
 * Fields that the template does not contain are 01 or 00 in the value, and `?` in messages about it. A date in two time
 * zones is not inverted.
 */
function dateValue(texts: readonly DateText[]): Value | undefined {
  const fields: Record<string, string> = {};
  const zone = texts[0]?.zone;
  for (const { format, text, ...one } of texts) {
    if (one.zone !== zone) return undefined;
    const source = format.replace(/%(.)|[\\^$.*+?()[\]{}|/]/g, (all, letter) =>
      letter === undefined ? `\\${all}` : `(${digits[letter]})`,
    );
    const found = new RegExp(`^${source}$`, 's').exec(text);
    if (!found) return undefined;
    [...format.matchAll(/%(.)/gs)].forEach(([, letter = ''], index) => {
      fields[letter] = found[index + 1] ?? '';
    });
  }
  const { Y, m, d, H, M } = fields;
  const date = `${Y ?? '2000'}-${m ?? '01'}-${d ?? '01'}`;
  const time = `${H ?? '00'}:${M ?? '00'}:00`;
  const local = H === undefined && M === undefined ? date : `${date} ${time}`;
  const there = zone === undefined ? '' : ` in ${zone}`;
  const value = zone === undefined ? local : inZone(zone, { date, time });
  if (value === undefined) return undefined;
  if (Y !== undefined && m !== undefined && d !== undefined) {
    const times = local === date ? `at any time of that day${there}` : `and whatever seconds${there}`;
    return { value, alternatives: times };
  }
  return {
    value,
    alternatives: `or any other like ${Y ?? '????'}-${m ?? '??'}-${d ?? '??'} ${H ?? '??'}:${M ?? '??'}${there}`,
  };
}

/** Undefined if it is no date, such as the 31st of February. */
function inZone(zone: string, shown: { date: string; time: string }): string | undefined {
  try {
    return instantAt(zone, shown);
  } catch {
    return undefined;
  }
}
