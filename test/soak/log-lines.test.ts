import { expect, it } from 'vitest';
import { unexpectedLines } from './log-lines.ts';

const line = (level: number, event: string) => JSON.stringify({ level, event });
const excused = new Set(['target-down']);

it.each([
  { what: 'a line that informs', text: line(30, 'cleared'), found: false },
  { what: 'a warning', text: line(40, 'cache-wiped'), found: false },
  { what: 'an error', text: line(50, 'loop-failed'), found: true },
  { what: 'an error that is excused', text: line(50, 'target-down'), found: false },
  { what: 'a stack', text: 'Error: at', found: true },
  { what: 'other JSON', text: '{"a":1}', found: true },
])('$what is unexpected: $found', ({ text, found }) => {
  expect(unexpectedLines([text], { excused, killed: true })).toEqual(found ? [text] : []);
});

it('a line that is cut off is right only where a daemon is killed', () => {
  const lines = ['{"level":30,"ev'];
  expect(unexpectedLines(lines, { excused, killed: true })).toEqual([]);
  expect(unexpectedLines(lines, { excused, killed: false })).toEqual(lines);
});
