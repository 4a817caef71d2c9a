import { expect, it } from 'vitest';
import { isPageName, zonePath } from '../../../src/filesystem/zone/zone-path.ts';

const key = 'httpsGETwww.example.org/net/rsync/';
const name = 'e297a6b21eab50d7fa033de276804aab';

it.each([
  ['', ''],
  ['1', 'b/'],
  ['2', 'ab/'],
  ['1:2', 'b/aa/'],
  ['2:2', 'ab/4a/'],
  ['1:2:2', 'b/aa/04/'],
  ['2:1:1', 'ab/a/4/'],
  ['1:1:1', 'b/a/a/'],
])('the levels "%s" put a page into %s', (levels, directories) => {
  const path = zonePath(key, levels === '' ? [] : levels.split(':').map(Number));
  expect([...path.directories, path.name].join('/')).toBe(`${directories}${name}`);
});

it('takes the bytes of a key as they are', () => {
  expect(zonePath('h/caf\u00e9', []).name).toBe('069d98a02332904c72df25e2e428d26e');
  expect(zonePath('h/caf\udce9', []).name).toBe('b147feef0c389bb41ff1155d447c6f89');
});

it('knows what may be a page: not one that is being stored', () => {
  expect([name, `${name}.0000000012`, name.slice(1), name.toUpperCase(), '..'].map(isPageName)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
});
