import { expect, it } from 'vitest';
import { readHandlers } from '../../../src/cache-kinds.ts';
import { wipe } from '../../../src/caches/files/wipe.ts';
import type { DeletionFailure } from '../../../src/core/page-files.ts';
import type { Marker } from '../../../src/core/root.ts';
import { patternCovers } from '../../../src/filesystem/match.ts';

const { handlers } = readHandlers([
  {
    name: 'port',
    queue: 'q',
    clear: ['ports/{category}/{port}/*', 'commits/{id}/', 'ports/{path:below /head}.*'],
    followers: ['news'],
  },
  { name: 'news', clear: ['news/*'], followers: [] },
]);

/** The calls to the disk, and their results. */
async function wiped(
  of: Marker['left'],
  failing: readonly string[] = [],
  more: Partial<DeletionFailure> = {},
) {
  let asked: string[] = [];
  const clear = async (patterns: Iterable<string>) => {
    asked = [...patterns];
    const failure = { pattern: 'x', code: 'ELOOP', message: 'no', ...more };
    return { files: 1, failures: failing.map((path) => ({ ...failure, path })) };
  };
  const { left, failures } = await wipe(clear, handlers.values(), { of, covers: patternCovers });
  return { asked, left, told: failures.length };
}

it('clears everything that a template can name, each once', async () => {
  expect(await wiped('all')).toEqual({
    asked: ['ports/*/*/*', 'commits/*/', 'ports/*', 'ports/.*', 'news/*'],
    left: [],
    told: 0,
  });
});

it('remembers what could not be deleted, and tries that alone', async () => {
  expect((await wiped('all', ['ports/www', 'ports/www', 'news/odd[1]'])).left).toEqual([
    'ports/www',
    'news/odd[1]',
  ]);
  expect((await wiped(['ports/www', 'news/odd[1]', 'commits/a'])).asked).toEqual([
    'ports/www/*/*',
    'ports/www',
    'news/odd\\[1\\]',
    'commits/a/',
  ]);
});

it('goes below what a template removes with its directory, and nowhere that no template leads', async () => {
  expect((await wiped(['commits/a/b/c'])).asked).toEqual(['commits/a/b/c']);
  expect((await wiped(['spooling/x', 'news', 'x', '../x'])).asked).toEqual(['news/*']);
});

it('wipes everything again when it cannot write down what is left', async () => {
  expect((await wiped('all', ['ports/caf\\xE9'])).left).toBe('all');
  const many = Array.from({ length: 2_000 }, (_, nth) => `ports/${nth}`);
  expect((await wiped('all', many)).left).toBe('all');
});

it.each([
  ['root itself', '/srv/cache'],
  ['a root of such a name', '/srv/lost+found'],
  ['the last directory that did not answer', 'ports/www'],
  ['a pattern, since nothing else is known', 'ports/*/*/*'],
])('wipes everything again where all that a pattern names has failed, at %s', async (_what, path) => {
  const { left, told } = await wiped('all', ['news/odd', path], { whole: true });
  expect([left, told]).toEqual(['all', 2]);
  expect(await wiped(left)).toMatchObject({
    asked: ['ports/*/*/*', 'commits/*/', 'ports/*', 'ports/.*', 'news/*'],
  });
});

it('does not miss what a file system keeps for itself', async () => {
  expect(await wiped('all', ['ports/lost+found', 'news/lost+found'], { code: 'EACCES' })).toMatchObject({
    left: [],
    told: 0,
  });
});
