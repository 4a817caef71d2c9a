import { expect, it } from 'vitest';
import { clearBatch } from '../../src/clearing/batch.ts';
import type { Key, LogRow } from '../../src/core/contracts.ts';
import type { TargetCache } from '../../src/core/target-cache.ts';
import { filesSteps } from './fake-cache.ts';

const section = 'sections/{section}';
const page = 'pages/{section}/{slug}';

const rowsOf = (...keys: Key[]): LogRow[] => keys.map((key, at) => ({ id: at + 1, handler: 'h', key }));

async function cleared(clear: string[], rows: readonly LogRow[], { refused = '' } = {}) {
  const steps = filesSteps([
    { name: 'h', clear, followers: ['news'] },
    { name: 'news', clear: ['news/*'] },
  ]);
  const step = steps.get('h') ?? expect.fail('no handler');
  const works: string[] = [];
  const cache: TargetCache = {
    async clear(given, how) {
      // Iterated twice, as happens when root was not the cache the first time.
      void [...given];
      works.push(...[...given].flat());
      const failures = works
        .filter((work) => work === refused)
        .map((work) => ({ work, error: `cannot delete ${work}: EROFS, read-only`, code: 'EROFS' }));
      const filesApart = Object.fromEntries((how?.countApart ?? []).map((work) => [work, 2]));
      return { files: works.length - failures.length, filesApart, failures };
    },
  };
  return { patterns: works, ...(await clearBatch(step, rows, cache)) };
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

it('retries a row when the disk refuses, even if its key is also invalid', async () => {
  const rows = rowsOf({ section: 's', slug: null }, { section: 't', slug: null });
  expect(await cleared([page, section], rows, { refused: 'sections/s' })).toMatchObject({
    cleared: [2],
    failures: [{ id: 1, code: 'EROFS' }],
    invalid: [{ id: 2 }],
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

it('counts what belongs to the handlers that follow, by handler', async () => {
  const outcome = await cleared([page], rowsOf({ section: 's', slug: 'a' }));
  expect(outcome.followers).toEqual({ news: 2 });
});

it('keeps the pages of one key together, as the parts of a page must stay', async () => {
  const given: (string | readonly string[])[] = [];
  const step = filesSteps([{ name: 'h', clear: [section, page] }]).get('h') ?? expect.fail('no handler');
  const rows = rowsOf({ section: 's', slug: 'a' }, { section: 's', slug: 'b' });
  await clearBatch(step, rows, {
    async clear(works) {
      given.push(...works);
      return { files: 0, failures: [] };
    },
  });
  expect(given).toEqual([['sections/s', 'pages/s/a'], 'pages/s/b']);
});
