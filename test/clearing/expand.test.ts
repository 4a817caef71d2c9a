import { expect, it } from 'vitest';
import { clearBatch } from '../../src/clearing/batch.ts';
import { withDependents } from '../../src/clearing/expand.ts';
import type { HandlerSettings } from '../../src/core/configuration.ts';
import type { Key, LogRow } from '../../src/core/contracts.ts';
import { Refusal } from '../../src/core/dependents.ts';
import type { TargetCache } from '../../src/core/target-cache.ts';
import { filesSteps } from './fake-cache.ts';

type Graph = Readonly<Record<string, readonly Key[] | Error>>;

/** A database whose function knows a graph, with everything that it was asked. */
function graphOf(graph: Graph, named = 'base') {
  const asked: string[][] = [];
  const ask = async (_expand: unknown, keys: readonly Key[], most: number) => {
    const bases = keys.map((key) => key[named] ?? '');
    asked.push(bases);
    const found = bases.map((base) => graph[base] ?? []);
    const error = found.find((one) => one instanceof Error);
    if (error) throw error;
    const all = found as (readonly Key[])[];
    return all.flat().length > most ? undefined : all;
  };
  return { ask, asked };
}

const pages = (count: number, name = 'p') =>
  Array.from({ length: count }, (_, at): Key => ({ page: `${name}${at}` }));
const rowsOf = (...bases: (string | null)[]): LogRow[] =>
  bases.map((base, at) => ({ id: at + 1, handler: 'h', key: { base } }));

async function cleared(
  graph: Graph,
  rows: readonly LogRow[],
  {
    settings = {},
    refuses = [],
    ...cache
  }: Partial<TargetCache> & { settings?: Partial<HandlerSettings>; refuses?: string[] } = {},
) {
  const steps = filesSteps([
    {
      name: 'h',
      clear: ['bases/{base}', 'pages/{page}'],
      followers: ['news'],
      expand: { name: 'f', columns: ['base'] },
      ...settings,
    },
    { name: 'news', clear: ['news/*'] },
  ]);
  const told: string[] = [];
  const { ask, asked } = graphOf(graph);
  const step = withDependents(steps.get('h') ?? expect.fail('no handler'), ask, (event) => {
    if (event.kind === 'notice') told.push(event.text);
  });
  const clearings: string[][] = [];
  const outcome = await clearBatch(step, rows, {
    async clear(works) {
      const all = [...works].flat();
      clearings.push(all);
      const failures = all
        .filter((work) => refuses.includes(work))
        .map((work) => ({ work, error: `cannot delete ${work}`, code: 'EIO' }));
      return { files: all.length - failures.length, filesApart: { 'news/*': 1 }, failures };
    },
    ...cache,
  });
  return { ...outcome, clearings, asked, told };
}

it('clears what depends on each key, and the key itself by the lines that it has the columns of', async () => {
  const outcome = await cleared({ a: pages(2), b: [] }, rowsOf('a', 'b'));
  expect(outcome.clearings).toEqual([['bases/a', 'pages/p0', 'pages/p1', 'bases/b', 'news/*']]);
  expect(outcome).toMatchObject({
    cleared: [1, 2],
    failures: [],
    invalid: [],
    files: 5,
    asked: [['a', 'b']],
  });
});

it('takes what the function does not return from the key, and clears each page once', async () => {
  const lines = { clear: ['{base}/{page}'] };
  const again = [{ page: 'p0' }, { page: 'p0', base: 'other' }];
  const outcome = await cleared({ a: [...pages(2), ...again] }, rowsOf('a'), { settings: lines });
  expect(outcome.clearings).toEqual([['a/p0', 'a/p1', 'other/p0', 'news/*']]);
});

it('clears the key by every line that has its columns, where the function returns the same ones', async () => {
  const outcome = await cleared({ a: [{ base: 'b' }, { base: 'c' }] }, rowsOf('a'), {
    settings: { clear: ['{base}', 'and/{base}'] },
  });
  expect(outcome.clearings).toEqual([['a', 'and/a', 'b', 'and/b', 'c', 'and/c', 'news/*']]);
});

it('leaves out the lines in whose columns a dependent has NULL, and reports other values that name no page', async () => {
  const graph = { a: [{ page: null }, { page: 'x', base: null }], b: [{ page: 'b/c' }] };
  const outcome = await cleared(graph, rowsOf('a', 'b'));
  expect(outcome.clearings).toEqual([['bases/a', 'pages/x', 'bases/b', 'news/*']]);
  expect(outcome).toMatchObject({
    cleared: [1, 2],
    invalid: [{ id: 2, error: expect.stringMatching(/^in what depends on it: column page is "b\/c"/) }],
  });
});

it('has a row tried again when one of its dependents cannot be cleared', async () => {
  const outcome = await cleared({ a: pages(2), b: pages(1, 'q') }, rowsOf('a', 'b'), {
    refuses: ['pages/p1'],
  });
  expect(outcome).toMatchObject({
    cleared: [2],
    failures: [{ id: 1, error: 'cannot delete pages/p1', code: 'EIO' }],
  });
});

it('asks by halves until the key that fails is alone: all others are cleared, in one clearing', async () => {
  const bases = Array.from({ length: 100 }, (_, at) => `k${at}`);
  const graph = {
    ...Object.fromEntries(bases.map((base) => [base, [{ page: `of-${base}` }]])),
    k37: new Refusal('no such base', { always: false }),
    k38: new Refusal('no such base either', { always: false }),
  };
  const outcome = await cleared(graph, rowsOf(...bases));
  expect(outcome.failures).toEqual([
    { id: 38, error: 'no such base' },
    { id: 39, error: 'no such base either' },
  ]);
  expect(outcome.cleared).toHaveLength(98);
  expect(outcome.clearings).toHaveLength(1);
  // Its own page goes at once all the same.
  expect(outcome.clearings[0]).toEqual(expect.arrayContaining(['bases/k37', 'pages/of-k36', 'pages/of-k39']));
  expect(outcome.asked.length).toBeLessThan(30);
});

it('does not ask again where no key would do', async () => {
  const outcome = await cleared({ b: new Refusal('there is no f', { always: true }) }, rowsOf('a', 'b', 'c'));
  expect(outcome.asked).toHaveLength(1);
  expect(outcome.failures.map(({ error }) => error)).toEqual(Array(3).fill('there is no f'));
  expect(outcome.clearings).toEqual([['bases/a', 'bases/b', 'bases/c', 'news/*']]);
});

it('clears nothing where the database is away', async () => {
  const clear = () => expect.fail('clears');
  await expect(cleared({ a: new Error('ECONNREFUSED') }, rowsOf('a'), { clear })).rejects.toThrow(
    'ECONNREFUSED',
  );
});

it('holds no more dependents than the limit, and one key more: the others are cleared first', async () => {
  const graph = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((base) => [base, pages(40_000, base)]));
  const outcome = await cleared(graph, rowsOf(...Object.keys(graph)));
  expect(outcome.clearings.map((works) => works.filter((work) => work.startsWith('pages/')).length)).toEqual([
    80_000, 80_000, 40_000,
  ]);
  expect(outcome).toMatchObject({ cleared: [1, 2, 3, 4, 5], files: 200_000 + 5 + 3 });
});

const tooMany = { many: pages(100_001), few: pages(1) };

it('clears everything that its lines can name instead of over 100,000 dependents, and says so', async () => {
  const outcome = await cleared(tooMany, rowsOf('few', 'many', 'x'));
  expect(outcome.clearings).toEqual(
    [
      ['bases/few', 'pages/p0', 'news/*'],
      ['bases/*', 'pages/*', 'news/*'],
    ].slice(-1),
  );
  expect(outcome).toMatchObject({ cleared: [1, 2, 3], failures: [] });
  expect(outcome.told).toEqual([
    'by f(base) over 100000 keys depend on {"base":"many"}: everything that its lines can name is cleared',
  ]);
  const refused = await cleared(tooMany, rowsOf('few', 'many'), { refuses: ['pages/*'] });
  expect(refused).toMatchObject({ cleared: [], failures: [{ id: 1 }, { id: 2 }] });
});

it('wipes a cache that can be, from as many dependents on as it takes rows', async () => {
  let wiped = 0;
  const wipe = async () => void wiped++;
  const graph = { many: pages(11), few: pages(10) };
  const outcome = await cleared(graph, rowsOf('many'), { wipe, wipesOver: 10 });
  expect([wiped, outcome.clearings, outcome.cleared]).toEqual([1, [], [1]]);
  await cleared(graph, rowsOf('few'), { wipe, wipesOver: 10 });
  expect(wiped).toBe(1);
});

it('has the row tried again where nothing can empty the cache; others go on', async () => {
  const outcome = await cleared(tooMany, rowsOf('many', 'few'), { canBeWiped: false });
  expect(outcome).toMatchObject({
    cleared: [2],
    failures: [{ id: 1, error: expect.stringMatching(/there is no "everything" to empty this cache with/) }],
  });
});

it('asks nobody about a key that is not whole, and keeps its row as invalid', async () => {
  const rows: LogRow[] = [
    { id: 1, handler: 'h', key: { page: 'x' } },
    { id: 2, handler: 'h', key: { base: 'x'.repeat(9_000) } },
    { id: 3, handler: 'h', key: { base: 'a\udce4' } },
    { id: 4, handler: 'h', key: { base: 'a' } },
  ];
  const outcome = await cleared({ a: pages(1) }, rows);
  expect(outcome.asked).toEqual([['a']]);
  expect(outcome.invalid.map(({ id }) => id)).toEqual([1, 2, 3]);
  expect(outcome.clearings[0]).toContain('pages/p0');
});

it('never clears without asking', async () => {
  const [step] = filesSteps([{ name: 'h', expand: { name: 'f', columns: ['base'] } }]).values();
  if (!step) return expect.fail('no step');
  const cache = { clear: () => expect.fail('clears') };
  await expect(clearBatch(step, rowsOf('a'), cache)).rejects.toThrow('nobody can be asked');
});
