import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { mistakes } from '../cli/mistakes/table.ts';

const tests = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts'))
  .map((path) => readFileSync(`test/${path}`, 'utf8'))
  .filter((text) => text.includes('mistakes/table.ts') || text.includes("'./table.ts'"))
  .join('\n');

it.each(mistakes)(
  'doc/operating.md: "$mistake" is made by a test, and has a remedy',
  ({ mistake, says, whatToDo }) => {
    expect(tests).toContain(`'${mistake}'`);
    expect(says).not.toBe('');
    expect(whatToDo).not.toBe('');
  },
);

it('doc/operating.md has a table of mistakes, each once', () => {
  const names = mistakes.map(({ mistake }) => mistake);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThanOrEqual(5);
});
