import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

/*
 * Compares the table of common mistakes in doc/operating.md with the output of `uncached check`.
 *
 * To add a row: write it in the document, make the mistake in a test, run `check` on it, and call
 *
 *     expectNamed('the exact text of the first column', stdout);
 *
 * In the second column `…` stands for any name. test/rules/mistakes.test.ts fails for a row that no test
 * makes.
 */

export interface Mistake {
  readonly mistake: string;
  /** The output of `check`, with `…`. */
  readonly says: string;
  readonly whatToDo: string;
}

const [, between = ''] =
  /<!-- mistakes -->\n([\s\S]*?)<!-- end of mistakes -->/.exec(readFileSync('doc/operating.md', 'utf8')) ??
  [];

export const mistakes: readonly Mistake[] = between
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .slice(2)
  .map((line) => {
    const [mistake = '', says = '', whatToDo = ''] = line
      .split(/(?<!\\)\|/)
      .slice(1)
      .map((cell) => cell.trim().replaceAll('\\|', '|'));
    return { mistake, says: says.replace(/^`|`$/g, ''), whatToDo };
  });

/** Fails unless a line of `stdout` matches the table's row for this mistake. */
export function expectNamed(mistake: string, stdout: string): void {
  const row = mistakes.find((candidate) => candidate.mistake === mistake);
  if (!row) throw new Error(`doc/operating.md has no row "${mistake}" in its table of mistakes`);
  expect(stdout).toMatch(lineOf(row.says));
}

function lineOf(says: string): RegExp {
  const parts = says.split('…').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 'm');
}
