import type { Key } from '../core/contracts.ts';

/** What a column stands for at one place of the path. */
export interface ColumnText {
  readonly column: string;
  readonly formatName: string | undefined;
  readonly text: string;
}

/** A key that leads to a path, and what is not known of it. */
export interface Guess {
  readonly key: Key;
  /** Columns of which other values lead there too, and which these are. */
  readonly loose: Readonly<Record<string, string>>;
}

/** What a column's value may be. */
interface Value {
  readonly value: string;
  readonly loose?: string;
}

function isBelow(formatName: string | undefined): formatName is string {
  return formatName !== undefined && /^below( |$)/.test(formatName);
}

/** The key of which its columns' texts are made, or undefined if no key can be. Whether it is one the template tells, when expanded. */
export function guessKey(texts: readonly ColumnText[]): Guess | undefined {
  const key: Record<string, string> = {};
  const loose: Record<string, string> = {};
  for (const column of new Set(texts.map((one) => one.column))) {
    const own = texts.filter((one) => one.column === column);
    const found = guessValue(own);
    if (found === undefined) return undefined;
    key[column] = found.value;
    if (found.loose !== undefined) loose[column] = found.loose;
  }
  return { key, loose };
}

/** The place that says most decides; the others must agree, which expanding finds out. */
function guessValue(texts: readonly ColumnText[]): Value | undefined {
  const of = (fits: (formatName: string | undefined) => boolean) =>
    texts.find(({ formatName }) => fits(formatName));
  const plain = of((formatName) => formatName === undefined);
  if (plain) return { value: plain.text };
  const path = of((formatName) => formatName === 'path');
  if (path) return { value: `/${path.text}`, loose: 'with or without the leading "/"' };
  const below = of(isBelow);
  if (below) return guessBelow(below);
  const dates = texts.filter(({ formatName }) => formatName?.includes('%'));
  if (dates.length > 0) return guessDate(dates);
  const slug = texts[0]?.text ?? '';
  return { value: slug, loose: `or any other value with the slug "${slug}"` };
}

function guessBelow({ formatName = '', text }: ColumnText): Value {
  const prefix = formatName
    .slice('below'.length)
    .trim()
    .replace(/^\/|\/$/g, '');
  return { value: `/${prefix}/${text}`, loose: `or "/${text}", each with or without the leading "/"` };
}

const digits: Readonly<Record<string, string>> = {
  Y: '\\d{4,}',
  m: '\\d\\d',
  d: '\\d\\d',
  H: '\\d\\d',
  M: '\\d\\d',
};

/** Fields that the template does not tell are 01 or 00 in the value, and `?` in what is said of it. */
function guessDate(texts: readonly ColumnText[]): Value | undefined {
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
    return { value, loose: times };
  }
  return {
    value,
    loose: `or any other like ${Y ?? '????'}-${m ?? '??'}-${d ?? '??'} ${H ?? '??'}:${M ?? '??'}`,
  };
}
