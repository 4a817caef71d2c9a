import { didYouMean } from '../core/suggest.ts';
import { parseName, type WrittenName } from '../postgres/function-source.ts';
import { showIdentifier } from '../postgres/identifier.ts';

/** `slug`, or `slug=name` where the queue table's column has another name. */
const keyColumn = /^\s*([^"=]+|"(?:[^"]|"")+")\s*(?:=(.+))?$/s;

/** A column of the key, as the operator wrote it: both parts as in SQL. Undefined if it is none. */
export function splitKeyColumn(written: string): { name?: string; source: string } | undefined {
  const [, first, second] = keyColumn.exec(written) ?? [];
  if (first === undefined) return undefined;
  return second === undefined ? { source: first.trim() } : { name: first.trim(), source: second };
}

/** The one that is meant: as SQL reads it, or exactly as it is written, where it has upper case and no quotes. */
export function meant<Candidate>(
  written: string,
  candidates: readonly Candidate[],
  nameOf: (candidate: Candidate) => string,
): Candidate | undefined {
  const read = parseName(written);
  const named = (name: string | undefined) => candidates.find((candidate) => nameOf(candidate) === name);
  return (read && read.schema === undefined ? named(read.name) : undefined) ?? named(written);
}

/** The name that is written as in SQL; one that SQL could not read stands for itself. */
export function readWritten(written: string): WrittenName {
  return parseName(written) ?? { name: written };
}

/** `table x has no column slg, did you mean "slug"?` */
export function unknownName(what: string, written: string, candidates: readonly string[]): string {
  const { name } = readWritten(written);
  return `${what} ${showIdentifier(name)}${didYouMean(name, candidates)}`;
}
