import { expect, it } from 'vitest';
import { readHandlers } from '../../../src/cache-kinds.ts';
import {
  findMatches,
  matchesKey,
  nearestTemplate,
  possibleValues,
} from '../../../src/cli/explain/matches.ts';
import { formatReport } from '../../../src/cli/explain/report.ts';
import { patternCovers } from '../../../src/filesystem/match.ts';

function matchesOf(path: string, ...clear: string[]) {
  const { handlers } = readHandlers([
    { name: 'page', queue: 'q', clear, followers: ['news'] },
    { name: 'news', clear: ['news/*'], followers: [] },
  ]);
  const covers = (pattern: string) => patternCovers(pattern, { path, isDirectory: false });
  const matches = findMatches(handlers, path, covers);
  const lines = formatReport(
    {
      root: '/srv',
      path,
      page: undefined,
      seen: { kind: 'nothing', bytes: 0, writtenMs: 0, changedMs: 0, link: undefined },
    },
    matches,
    undefined,
  );
  return { handlers, covers, matches, lines };
}

it('takes the values of a key column for complete where every key was found', () => {
  const { matches, lines } = matchesOf('ports/www/nginx/x', 'ports/{category}/{port}/*');
  expect(possibleValues(matches, 'category')).toEqual(['www']);
  expect(possibleValues(matches, 'port')).toEqual(['nginx']);
  expect(possibleValues(matches, 'other')).toBeUndefined();
  expect(lines.join('\n')).not.toContain('more keys');
});

it('does not treat values as complete when there are more keys than it reads, and says so', () => {
  const { matches, lines } = matchesOf('x'.repeat(60), '{id}*');
  expect(matches).toMatchObject([{ more: true, candidates: { length: 20 } }]);
  expect(possibleValues(matches, 'id')).toBeUndefined();
  expect(lines.filter((line) => line.includes('more keys'))).toHaveLength(1);
});

it('takes no values for complete where others lead to the same page', () => {
  const { matches } = matchesOf('commits/a-b/x', 'commits/{id:slug}/');
  expect(possibleValues(matches, 'id')).toBeUndefined();
});

it('matches the templates of handlers under then as well', () => {
  const { matches } = matchesOf('news/x', '{section}/{id}');
  expect(matches.map(({ handler, follower }) => [handler.name, follower])).toEqual([
    ['page', undefined],
    ['page', 'news'],
    ['news', undefined],
  ]);
});

it('asks of a key whether one of the templates names the page by it', () => {
  const { matches, covers } = matchesOf('ports/www/nginx/x', 'ports/{category}/{port}/*');
  expect(matchesKey(matches, { category: 'www', port: 'nginx' }, covers)).toBe(true);
  expect(matchesKey(matches, { category: 'www', port: 'other' }, covers)).toBe(false);
  // This key can name no page at all.
  expect(matchesKey(matches, { category: 'www', port: null }, covers)).toBe(false);
});

it('finds the template that fits for the longest', () => {
  const { handlers, covers } = matchesOf('a/b/.c', 'a/{x}', 'a/b/{x}', '{x}');
  expect(nearestTemplate(handlers, 'a/b/.c', covers)).toMatchObject({
    template: 'a/b/{x}',
    beginning: 'a/b',
  });
});
