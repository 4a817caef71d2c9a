import { expect, it } from 'vitest';
import { type Dependency, dependencyOn, isConcerned, keyOf } from '../../src/memory-cache/dependency.ts';
import { DependencyIndex, type Shared } from '../../src/memory-cache/dependency-index.ts';
import { random } from '../random.ts';

interface Page {
  readonly on: readonly Dependency[];
  readonly shared: Shared<Page>[];
}

it('finds those that a notification concerns, and no others, as one by one', () => {
  const { below, chance, pick, list } = random();
  const columns = ['a', 'b', 'c'];
  const columnsOf = () =>
    Object.fromEntries(
      columns.filter(() => chance(0.5)).map((column) => [column, pick([null, '', '1', '2', 'null'])]),
    );
  for (let round = 0; round < 300; round++) {
    const index = new DependencyIndex<Page>();
    const pages = list(20, () => ({
      on: list(3, () => dependencyOn(pick(['c', 'd']), columnsOf())),
      shared: [] as Shared<Page>[],
    }));
    for (const page of pages) page.shared.push(...page.on.map((one) => index.add(one, page)));
    for (const gone of pages.splice(0, below(10))) for (const one of gone.shared) index.remove(one, gone);
    const key = keyOf(pick(['', JSON.stringify(columnsOf())]));
    const expected = pages.filter(({ on }) => on.some((one) => one.channel === 'c' && isConcerned(one, key)));
    expect(new Set(index.concerned('c', key))).toEqual(new Set(expected));
    for (const page of pages) for (const one of page.shared) index.remove(one, page);
    expect(index.size).toBe(0);
    expect([...index.concerned('c', undefined)]).toEqual([]);
  }
});

it('lets go of what is removed while it is read', () => {
  const index = new DependencyIndex<Page>();
  const pages = Array.from({ length: 5 }, (): Page => ({ on: [], shared: [] }));
  for (const page of pages) page.shared.push(index.add(dependencyOn('c', { a: '1' }), page));
  const read: Page[] = [];
  for (const page of index.concerned('c', undefined)) {
    read.push(page);
    for (const one of page.shared) index.remove(one, page);
  }
  expect(read).toHaveLength(5);
  expect(index.size).toBe(0);
});

it('finds a key of twenty columns as fast as one of two', () => {
  const index = new DependencyIndex<Page>();
  const page: Page = { on: [], shared: [] };
  const wide = Object.fromEntries(Array.from({ length: 20 }, (_, nth) => [`column${nth}`, String(nth)]));
  index.add(dependencyOn('c', { column3: '3', column7: '7' }), page);
  index.add(dependencyOn('c', wide), page);
  const key = keyOf(JSON.stringify(wide));
  const begun = performance.now();
  // 2^20 subsets, ten thousand times, would not end.
  for (let nth = 0; nth < 10_000; nth++) expect([...index.concerned('c', key)].length).toBe(2);
  expect(performance.now() - begun).toBeLessThan(20_000);
});
