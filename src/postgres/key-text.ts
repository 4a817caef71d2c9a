import { maxValueBytes } from '../core/value-size.ts';
import { quoteIdentifier } from './identifier.ts';

/** What the text of a queue table's column depends on; for a domain, its base type. */
export interface Column {
  readonly name: string;
  /** As format_type names it. */
  readonly type: string;
  /** A type of PostgreSQL itself, whose casts no other role can define. */
  readonly builtin: boolean;
  /** A number, a date, an enum: never long. */
  readonly short: boolean;
}

/** SQL that gives a column's value as text. */
export interface KeyText {
  /** The whole value, for comparing it. */
  readonly whole: string;
  /**
   * At most `maxValueBytes`, or the beginning of a longer value and a mark, by bytes (COLLATE "C"): for
   * reading and grouping.
   */
  readonly bounded: string;
  /** Roughly how many bytes `bounded` has; undefined where they are few. */
  readonly bytes: string | undefined;
}

/**
 * The text is what PostgreSQL shows, except for two types, which keep the result of a cast to text: a boolean
 * is `true` and not `t`, and char(n) has no blanks at its end. For inet a cast would give `10.0.0.1/32`.
 * Types defined by others are converted by their output function, since a cast could run somebody else's
 * function with our rights.
 *
 * Equality is by bytes, as for file names: `COLLATE "C"`. A column's own collation may treat `Foo` and `foo`
 * as equal, and 1.0 and 1.00 are different texts.
 *
 * A value that no page can have is not transferred (core/value-size.ts): one of 150 MB would end the daemon,
 * and one of 256 MB does not fit into a jsonb, so the claim would always fail. The length of text is known
 * without reading it. Other types that may be long are not converted if their stored size is long.
 */
export function keyText({ name, type, builtin, short }: Column): KeyText {
  const column = quoteIdentifier(name);
  const shown = `CASE WHEN ${column} IS NOT NULL THEN format('%s', ${column}) END`;
  const whole = builtin && type !== 'inet' ? `${column}::text` : shown;
  if (short) return { whole, bounded: byBytes(whole), bytes: undefined };
  if (builtin && isText.has(type)) {
    return {
      whole,
      bounded: byBytes(cut(whole, `octet_length(${column})`)),
      bytes: `least(octet_length(${column}), ${4 * maxValueBytes})`,
    };
  }
  const stored = `pg_column_size(${column})`;
  const bounded = `CASE WHEN ${stored} > ${maxValueBytes}
    THEN format('%s... (%s bytes)', repeat('?', ${maxValueBytes}), ${stored})
    ELSE ${cut(whole, `octet_length(${whole})`)} END`;
  return { whole, bounded: byBytes(bounded), bytes: `octet_length(${bounded})` };
}

const isText: ReadonlySet<string> = new Set(['text', 'character varying']);

/**
 * `left` counts characters, so what remains of a value is still too long for a page, and is recognised as
 * such.
 */
function cut(text: string, bytes: string): string {
  return `CASE WHEN ${bytes} > ${maxValueBytes}
    THEN format('%s... (%s bytes)', left(${text}, ${maxValueBytes}), ${bytes}) ELSE ${text} END`;
}

function byBytes(text: string): string {
  return `(${text}) COLLATE "C"`;
}
