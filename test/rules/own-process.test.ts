import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ownProcess } from '../own-process.ts';

it('is given to every file that mocks a module: a mock would stay for the next file', () => {
  const mocking = readdirSync('test', { recursive: true, encoding: 'utf8' })
    .map((file) => join('test', file))
    .filter((file) => file.endsWith('.test.ts') && /^vi\.mock\(/m.test(readFileSync(file, 'utf8')));
  expect(mocking.length).toBeGreaterThan(0);
  expect(mocking.filter((file) => !ownProcess.includes(file))).toEqual([]);
});

it('is given to no file that is gone', () => {
  expect(ownProcess.filter((file) => !existsSync(file))).toEqual([]);
});
