import { expect, it } from 'vitest';
import { SuspendedDirectories } from '../../src/filesystem/workers/suspended-directories.ts';

it('Suspended covers what is below, and takes three of a directory for the directory', () => {
  const suspended = new SuspendedDirectories();
  expect(suspended.add('ports/www/a/sub')).toBe(true);
  expect(suspended.add('ports/www/a')).toBe(true);
  expect(suspended.add('ports/www/a/sub')).toBe(false);
  expect(suspended.add('ports/www/ab')).toBe(true);
  expect(suspended.paths).toEqual(['ports/www/a', 'ports/www/ab']);
  suspended.add('ports/www/c');
  expect(suspended.paths).toEqual(['ports/www']);
  suspended.add('ports/ftp');
  suspended.lift('ports/www');
  expect(suspended.paths).toEqual(['ports/ftp']);
});

it('Suspended ends with root, which is nothing that directories have in common by chance', () => {
  const suspended = new SuspendedDirectories();
  for (const path of ['a', 'b', 'c']) suspended.add(path);
  expect(suspended.paths).toEqual(['']);
  expect(suspended.add('d/e')).toBe(false);
  suspended.lift('');
  expect(suspended.paths).toEqual([]);
});

it('Suspended takes mounts of their own for nothing but themselves', () => {
  const suspended = new SuspendedDirectories();
  for (const path of ['a', 'b', 'c', 'd']) suspended.add(path, { alone: true });
  expect(suspended.paths).toEqual(['a', 'b', 'c', 'd']);
  expect(suspended.add('a/below', { alone: true })).toBe(false);
});
