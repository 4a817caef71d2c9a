import type { Key } from '../core/contracts.ts';
import { formatOversize, keySize } from '../core/value-size.ts';

/** Text and columns, such as `/{category}/{port}/`, for what is no pattern of files. */
export interface ColumnTemplate {
  /** Columns that it names, in order of appearance. */
  readonly columns: readonly string[];
  /** The text before, between and after the columns. */
  readonly literals: readonly string[];
  /** The columns between them; `formatName` is the text after the colon. */
  readonly places: readonly { readonly column: string; readonly formatName: string | undefined }[];
  /** Throws an Error that names the column and says why nothing can be cached with its value. */
  expand(key: Key): string;
}

/** Turns a value into a part of the result. Throws an Error that completes "column x …". */
type Write = (value: string) => string;

/**
 * Parses a template. Throws an Error that says what is wrong with it.
 * @param formatOf what the text after the colon stands for; undefined without one. Throws for an unknown one.
 */
export function parseColumns(
  text: string,
  formatOf: (name: string | undefined) => Write,
  bad: (what: string) => Error,
): ColumnTemplate {
  const pieces = text.split(/\{([^{}]*)\}/);
  const literals = pieces.filter((_, at) => at % 2 === 0);
  const stray = /[{}]/.exec(literals.join(''))?.[0];
  if (stray !== undefined) throw bad(`has a stray "${stray}"`);
  const columns = pieces
    .filter((_, at) => at % 2 === 1)
    .map((inside) => {
      const [, column, , formatName] = /^([^:/]+)(:(.*))?$/s.exec(inside) ?? [];
      if (column === undefined) throw bad(`has "{${inside}}" where a column such as {port} is expected`);
      try {
        return { column, formatName, write: formatOf(formatName) };
      } catch (error) {
        throw bad(`has "{${inside}}": ${(error as Error).message}`);
      }
    });
  return {
    columns: [...new Set(columns.map(({ column }) => column))],
    literals,
    places: columns,
    expand: (key) => {
      let text = literals[0] ?? '';
      columns.forEach((column, at) => {
        const written = writeColumn(column, key);
        const literal = literals[at + 1] ?? '';
        // Only the path "/" is written as nothing: `/{path:path}/x` is /x.
        const twice = written === '' && text.endsWith('/') && literal.startsWith('/');
        text += written + (twice ? literal.slice(1) : literal);
      });
      return text;
    },
  };
}

function writeColumn({ column, write }: { column: string; write: Write }, key: Key): string {
  const value = key[column];
  try {
    if (value === undefined)
      throw new Error(`is ${key[keySize] === undefined ? 'not in the key' : `in a key of ${key[keySize]}`}`);
    if (value === null) throw new Error('is NULL');
    if (value === '') throw new Error('is empty');
    const size = formatOversize(value);
    if (size !== undefined) throw new Error(`is ${size}`);
    return write(value);
  } catch (error) {
    throw new Error(`column ${column} ${(error as Error).message}: no page can have this key`);
  }
}
