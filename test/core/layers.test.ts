import { expect, it } from 'vitest';
import { defaultLagMs, innerFirst, layerProblems } from '../../src/core/layers.ts';

const layer = (section: string, after?: string, answersStale = false) => ({ section, after, answersStale });

it('places each behind the section that it names, whatever its kind', () => {
  const placed = innerFirst([
    layer('nginx.edge', 'purge.varnish'),
    layer('purge.cdn', 'nginx.edge'),
    layer('purge.varnish', 'nginx.pages'),
    layer('purge.varnish', 'nginx.pages'),
    layer('nginx.pages'),
  ]);
  expect(placed.map(({ section }) => section)).toEqual([
    'nginx.pages',
    'purge.varnish',
    'purge.varnish',
    'nginx.edge',
    'purge.cdn',
  ]);
});

it('tells of a section that is not there, and of a circle, over all kinds together', () => {
  const problems = layerProblems([
    layer('nginx.a', 'purge.b'),
    layer('purge.b', 'nginx.a'),
    layer('purge.c', 'nginx.pagse'),
    layer('purge.d', 'files'),
    layer('purge.e', 'purge.c'),
    layer('nginx.pages'),
    layer('purge.f', 'nginx.pages'),
  ]);
  expect(problems).toEqual([
    '[purge.c] after = nginx.pagse: there is no such section, did you mean "nginx.pages"?',
    '[purge.d] after = files: there is no such section',
    '[nginx.a], [purge.b], [purge.e]: "after" leads in a circle, or to a section that is wrong',
  ]);
});

it('lets nothing stand behind a cache that answers once more with the old page', () => {
  expect(layerProblems([layer('nginx.a', undefined, true)])).toEqual([]);
  const [problem] = layerProblems([layer('purge.b', 'nginx.a'), layer('nginx.a', undefined, true)]);
  expect(problem).toContain('[purge.b] after = nginx.a: that one has how = soft');
});

it('lags two seconds, and with a short settle time as long as a slow render', () => {
  expect([defaultLagMs(10_000), defaultLagMs(60_000), defaultLagMs(0)]).toEqual([2_000, 2_000, 12_000]);
});
