import type { Key } from '../core/contracts.ts';

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
  const path = of((formatName) => formatName === 'path');
  if (path) return { value: `/${path.text}`, alternatives: 'with or without the leading "/"' };
  const below = of(isBelow);
  if (below) return valueBelow(below);
  const dates = texts.filter(({ formatName }) => formatName?.includes('%'));
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

/** Fields that the template does not contain are 01 or 00 in the value, and `?` in messages about it. */
function dateValue(texts: readonly ColumnText[]): Value | undefined {
  const fields: Record<string, string> = {};
  for (const { formatName = '', text } of texts) {
    const source = formatName.replace(/%(.)|[\\^$.*+?()[\]{}|/]/g, (all, letter) =>
      letter === undefined ? `\\${all}` : `(${digits[letter]})`,
    );
    const found = new RegExp(`^${source}$`, 's').exec(text);
    if (!found) return undefined;
    [...formatName.matchAll(/%(.)/gs)].forEach(([, letter = ''], index) => {
      fields[letter] = found[index + 1] ?? '';
    });
  }
  const { Y, m, d, H, M } = fields;
  const date = `${Y ?? '2000'}-${m ?? '01'}-${d ?? '01'}`;
  const value = H === undefined && M === undefined ? date : `${date} ${H ?? '00'}:${M ?? '00'}:00`;
  if (Y !== undefined && m !== undefined && d !== undefined) {
    const times = value === date ? 'at any time of that day' : 'and whatever seconds';
    return { value, alternatives: times };
  }
  return {
    value,
    alternatives: `or any other like ${Y ?? '????'}-${m ?? '??'}-${d ?? '??'} ${H ?? '??'}:${M ?? '??'}`,
  };
}
