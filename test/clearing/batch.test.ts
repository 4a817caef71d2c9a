import { expect, it } from 'vitest';
import { clearBatch } from '../../src/clearing/batch.ts';
import { parseHandlers } from '../../src/clearing/handler.ts';
import type { Cache, JournalRow, Key } from '../../src/core/contracts.ts';

const section = 'sections/{section}';
const page = 'pages/{section}/{slug}';

const rowsOf = (...keys: Key[]): JournalRow[] => keys.map((key, at) => ({ id: at + 1, handler: 'h', key }));

async function cleared(
  clear: string[],
  rows: readonly JournalRow[],
  { refused = '', commandFails = false } = {},
) {
  const { handlers } = parseHandlers([
    { name: 'h', queue: 'q', clear, followers: ['news'], ...(commandFails && { run: 'false' }) },
    { name: 'news', clear: ['news/*'], followers: [] },
  ]);
  const handler = handlers.get('h');
  if (!handler) throw new Error('no handler');
  const patterns: string[] = [];
  const cache: Cache = {
    async clear(given) {
      // Iterated twice, as happens when root was not the cache the first time.
      void [...given];
      patterns.push(...[...given].flat());
      const failures = patterns
        .filter((pattern) => pattern === refused)
        .map((pattern) => ({ pattern, path: pattern, code: 'EROFS', message: 'read-only' }));
      return { files: patterns.length - failures.length, failures };
    },
    close: async () => {},
  };
  const run = () => Promise.reject(new Error('it ended with 1'));
  return { patterns, ...(await clearBatch(handler, rows, { cache, run })) };
}

const invalid = [
  ['NULL', null, /column slug is NULL/],
  ['a slash', 'a/b', /column slug is "a\/b"/],
  ['dots', '..', /column slug is "\.\."/],
  ['a long one', 'x'.repeat(300), /is over 255 bytes/],
] as const;

it.each(
  invalid.flatMap(([what, slug, error]) => [
    { what, clear: [section, page], slug, error },
    { what, clear: [page, section], slug, error },
  ]),
)('clears what the other templates name, in any order: $what, $clear', async ({ clear, slug, error }) => {
  const outcome = await cleared(clear, rowsOf({ section: 's', slug }, { section: 't', slug: 'fine' }));
  expect([...outcome.patterns].sort()).toEqual(['news/*', 'pages/t/fine', 'sections/s', 'sections/t']);
  expect(outcome).toMatchObject({
    cleared: [1, 2],
    failures: [],
    invalid: [{ id: 1, error: expect.stringMatching(error) }],
  });
});

it('retries a row when the disk refuses or the command fails, even if its key is also invalid', async () => {
  const rows = rowsOf({ section: 's', slug: null }, { section: 't', slug: null });
  expect(await cleared([page, section], rows, { refused: 'sections/s' })).toMatchObject({
    cleared: [2],
    failures: [{ id: 1, code: 'EROFS' }],
    invalid: [{ id: 2 }],
  });
  expect(await cleared([page, section], rows, { commandFails: true })).toMatchObject({
    cleared: [],
    failures: [{ id: 1, error: 'it ended with 1' }, { id: 2 }],
    invalid: [],
  });
});

it('clears a page once that several rows name, and has all of them tried again where it cannot be deleted', async () => {
  const rows = rowsOf({ section: 's', slug: 'a' }, { section: 's', slug: 'b' }, { section: 't', slug: 'a' });
  const outcome = await cleared([section, page], rows, { refused: 'sections/s' });
  expect(outcome.patterns.filter((pattern) => pattern.startsWith('sections'))).toEqual([
    'sections/s',
    'sections/t',
  ]);
  expect(outcome).toMatchObject({ cleared: [3], failures: [{ id: 1 }, { id: 2 }] });
});

it('has every row tried again where what they share cannot be cleared', async () => {
  const rows = rowsOf({ section: 's', slug: 'a' }, { section: 't', slug: 'b' });
  expect(await cleared([page], rows, { refused: 'news/*' })).toMatchObject({
    cleared: [],
    failures: [
      { id: 1, code: 'EROFS', error: 'cannot delete news/*: EROFS, read-only' },
      { id: 2, code: 'EROFS' },
    ],
  });
});
