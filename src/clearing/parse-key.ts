import type { Key } from '../core/contracts.ts';
import { didYouMean } from '../core/suggest.ts';
import { linesOfKey } from './expand.ts';
import type { Handler } from './handler.ts';

/** Parses a key from `column=value` words, and reports everything that is wrong with them. */
export function parseKey(handler: Handler, words: readonly string[]): { key: Key; problems: string[] } {
  const key: Record<string, string> = {};
  const problems: string[] = [];
  for (const word of words) {
    const [, column, value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
    if (column === undefined || value === undefined)
      problems.push(`"${word}" is not of the form column=value`);
    else if (!handler.columns.includes(column)) {
      problems.push(`${handler.name} has no column "${column}"${didYouMean(column, handler.columns)}`);
    } else if (Object.hasOwn(key, column)) problems.push(`${column} is given twice`);
    else key[column] = value;
  }
  for (const column of handler.required) {
    if (!Object.hasOwn(key, column)) problems.push(`${handler.name} needs ${column}=…`);
  }
  if (problems.length > 0) return { key, problems };
  for (const plan of handler.steps.flatMap((step) => linesOfKey(step, key))) {
    try {
      plan.expand(key);
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  return { key, problems: [...new Set(problems)] };
}
