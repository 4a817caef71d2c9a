import { beforeEach, expect, it } from 'vitest';
import { readHandlers, stepsOf } from '../../../src/cache-kinds.ts';
import { commandCache } from '../../../src/caches/command/command-cache.ts';
import { clearBatch } from '../../../src/clearing/batch.ts';

const { handlers } = readHandlers([
  { name: 'page', queue: 'q', clear: ['{id}'], run: 'purge --all', followers: ['mail'] },
  { name: 'mail', clear: [], run: 'mail', followers: [] },
  { name: 'plain', queue: 'p', clear: ['{id}'], followers: [] },
]);

let ran: string[][];
let inputs: (string | undefined)[];
/** The program that ends with an error. */
let fails: string | undefined;

beforeEach(() => {
  ran = [];
  inputs = [];
  fails = undefined;
});

const cache = commandCache(async (command, { input } = {}) => {
  inputs.push(input);
  ran.push([...command]);
  if (command[0] === fails) throw new Error(`${fails} ended with 1`);
});

const steps = stepsOf(handlers.values(), { kind: 'command', always: [] });
const page = steps.get('page')?.get('page') ?? expect.fail('no step');
const rows = ['p1', 'p2', 'a/b'].map((id, at) => ({ id: at + 1, handler: 'page', key: { id } }));

it('is a cache of its own for each handler that runs a program, with those that follow it', () => {
  expect([...steps].map(([name, own]) => [name, ...own.keys()])).toEqual([
    ['page', 'page'],
    ['mail', 'mail'],
  ]);
  expect(page.shared).toEqual(['purge --all', 'mail']);
});

it('runs each program once for a batch, in order, whatever its keys', async () => {
  expect(await clearBatch(page, rows, cache)).toMatchObject({ files: 0, cleared: [1, 2, 3], invalid: [] });
  expect(ran).toEqual([['purge', '--all'], ['mail']]);
});

it('tells each program the keys of the batch, a line each', async () => {
  await clearBatch(page, [...rows, ...rows], cache);
  expect(inputs).toEqual(Array(2).fill('{"id":"p1"}\n{"id":"p2"}\n{"id":"a/b"}\n'));
});

it('tells nothing where there is no key, where it could not be read, and where all may have changed', async () => {
  const mail = steps.get('mail')?.get('mail') ?? expect.fail('no step');
  await clearBatch(mail, [{ id: 1, handler: 'mail', key: {} }], cache);
  await clearBatch(page, [{ id: 1, handler: 'page', key: { '': '9 MB' } }], cache);
  await cache.clear(new Set(page.shared));
  expect(inputs).toEqual(['', '', '', '', '']);
});

it('has every row tried again where a program fails, and runs none after it', async () => {
  fails = 'purge';
  expect(await clearBatch(page, rows, cache)).toMatchObject({
    cleared: [],
    failures: [{ id: 1, error: 'purge ended with 1' }, { id: 2 }, { id: 3 }],
  });
  expect(ran).toEqual([['purge', '--all']]);
});
