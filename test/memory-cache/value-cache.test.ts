import { beforeEach, expect, it } from 'vitest';
import type { Rendering } from '../../src/memory-cache/contract.ts';
import { keyOf } from '../../src/memory-cache/dependency.ts';
import { type ValueCache, valueCache } from '../../src/memory-cache/value-cache.ts';

let time: number;
let errors: Error[];

function cacheWith(options: { max?: number; staleForMs?: number } = {}): ValueCache<string> {
  const made = valueCache<string>({
    channels: ['port_updated', 'news'],
    max: 100,
    maxStaleMs: 1_000,
    staleForMs: 0,
    now: () => time,
    onError: (error) => errors.push(error),
    ...options,
  });
  made.proven(time);
  return made;
}

beforeEach(() => {
  time = 0;
  errors = [];
});

const named = (name: string) => (page: Rendering) => {
  page.dependsOn('port_updated', { name });
  return name;
};
const changed = (cache: ValueCache<string>, name: string) =>
  cache.changed('port_updated', keyOf(JSON.stringify({ name })));

/** A render that waits in the middle until the test ends it. */
function gated() {
  let finish: (value: string) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const value = new Promise<string>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  let calls = 0;
  const render = (page: Rendering) => {
    calls += 1;
    page.dependsOn('port_updated', { name: 'a' });
    return value;
  };
  return { render, finish, fail, calls: () => calls };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));
const needless = () => {
  throw new Error('rendered once more');
};

it('keeps a value until what it depends on changes', async () => {
  const cache = cacheWith();
  expect(await cache.get('a', named('a'))).toEqual({ value: 'a', outcome: 'stored' });
  await cache.get('b', named('b'));
  expect(await cache.get('a', needless)).toEqual({ value: 'a', outcome: 'hit' });
  changed(cache, 'a');
  expect(cache.peek('a')).toBeUndefined();
  expect(cache.peek('b')).toBe('b');
  cache.changed('port_updated', undefined);
  expect(cache.statistics()).toMatchObject({ entries: 0, dependencies: 0, dropped: 2, changes: 2 });
});

it('drops what has declared nothing at each change of any channel', async () => {
  const cache = cacheWith();
  await cache.get('a', () => 'a');
  expect(cache.peek('a')).toBe('a');
  cache.changed('news', keyOf('{"id":"1"}'));
  expect(cache.peek('a')).toBeUndefined();
  const render = gated();
  const undeclared = cache.get('a', () => render.render({ dependsOn: () => {} }));
  await turn();
  changed(cache, 'z');
  render.finish('old');
  expect(await undeclared).toEqual({ value: 'old', outcome: 'overtaken' });
});

it('keeps a value with thousands of dependencies, and lets go of all of them', async () => {
  const cache = cacheWith();
  const many = (page: Rendering) => {
    for (let nth = 0; nth < 20_000; nth++) page.dependsOn('port_updated', { name: String(nth) });
    return 'list';
  };
  await cache.get('list', many);
  await cache.get('7', named('7'));
  expect(cache.statistics().dependencies).toBe(20_000);
  changed(cache, '7');
  expect(cache.statistics()).toMatchObject({ entries: 0, dependencies: 0 });
});

it('drops a value after its time', async () => {
  const cache = cacheWith();
  await cache.get('a', named('a'), { ttlMs: 500 });
  time = 499;
  expect(cache.peek('a')).toBe('a');
  time = 500;
  expect(cache.peek('a')).toBeUndefined();
  expect(await cache.get('a', named('a'))).toMatchObject({ outcome: 'stored' });
});

it('bypasses memory when the last proof is too old, and uses it when there is one', async () => {
  const cache = cacheWith();
  await cache.get('a', named('a'));
  time = 1_000;
  expect(cache.peek('a')).toBe('a');
  time = 1_001;
  expect(cache.peek('a')).toBeUndefined();
  expect(await cache.get('a', () => 'rendered')).toEqual({ value: 'rendered', outcome: 'bypassed' });
  expect(await cache.fill('a', () => 'rendered')).toEqual({ value: 'rendered', outcome: 'bypassed' });
  expect(cache.statistics()).toMatchObject({ usable: false, provenMsAgo: 1_001 });
  cache.proven(time);
  expect(await cache.get('a', needless)).toMatchObject({ outcome: 'hit' });
});

it('gives the error of a render to all who joined, keeps nothing, and renders for the next', async () => {
  const cache = cacheWith();
  const { render, fail } = gated();
  const callers = [cache.get('a', render), cache.get('a', needless)];
  await turn();
  const error = new Error('no such port');
  fail(error);
  expect(await Promise.allSettled(callers)).toEqual([
    { status: 'rejected', reason: error },
    { status: 'rejected', reason: error },
  ]);
  expect(cache.statistics()).toMatchObject({ entries: 0, rendering: 0 });
  expect(await cache.get('a', named('a'))).toMatchObject({ outcome: 'stored' });
  await expect(cache.get('b', needless)).rejects.toThrow('rendered once more');
});

it('does not give the error of a render that a change has overtaken to who came later', async () => {
  const cache = cacheWith();
  const { render, fail } = gated();
  const first = cache.get('a', render);
  await turn();
  const second = cache.get('a', named('a'));
  changed(cache, 'a');
  const third = cache.get('a', named('a'));
  fail(new Error('deadlock detected'));
  await expect(first).rejects.toThrow('deadlock');
  await expect(second).rejects.toThrow('deadlock');
  expect(await third).toMatchObject({ value: 'a', outcome: 'stored' });
});

it('does not keep what was being rendered at a wipe', async () => {
  const cache = cacheWith();
  const { render, finish } = gated();
  const before = cache.get('a', render);
  await turn();
  cache.wipe();
  const after = cache.get('a', named('a'));
  finish('old');
  expect(await before).toEqual({ value: 'old', outcome: 'overtaken' });
  expect(await after).toEqual({ value: 'a', outcome: 'stored' });
  expect(cache.peek('a')).toBe('a');
});

it('keeps at most max values, and a render that others join is not one of them', async () => {
  const cache = cacheWith({ max: 2 });
  const { render, finish, calls } = gated();
  const first = cache.get('a', render);
  for (const name of ['b', 'c', 'd']) await cache.get(name, named(name));
  const second = cache.get('a', render);
  finish('value');
  expect([(await first).outcome, (await second).outcome, calls()]).toEqual(['stored', 'joined', 1]);
  expect(cache.statistics()).toMatchObject({ entries: 2, dependencies: 2, evicted: 2 });
  changed(cache, 'd');
  changed(cache, 'a');
  expect(cache.statistics()).toMatchObject({ entries: 0, dependencies: 0 });
});

it('serves a changed value for a while, and renders it once meanwhile', async () => {
  const cache = cacheWith({ staleForMs: 200 });
  await cache.get('a', named('a'));
  changed(cache, 'a');
  const { render, finish, calls } = gated();
  expect(await cache.get('a', render)).toEqual({ value: 'a', outcome: 'stale' });
  expect(await cache.get('a', render)).toEqual({ value: 'a', outcome: 'stale' });
  expect(cache.peek('a')).toBeUndefined();
  finish('new');
  await turn();
  expect(calls()).toBe(1);
  expect(await cache.get('a', needless)).toEqual({ value: 'new', outcome: 'hit' });
  changed(cache, 'a');
  time = 100;
  changed(cache, 'a');
  time = 201;
  expect(await cache.get('a', named('a'))).toEqual({ value: 'a', outcome: 'stored' });
});

it('reports that a stale value cannot be rendered', async () => {
  const cache = cacheWith({ staleForMs: 200 });
  await cache.get('a', named('a'));
  changed(cache, 'a');
  expect(await cache.get('a', needless)).toMatchObject({ outcome: 'stale' });
  await turn();
  expect(errors.map(({ message }) => message)).toEqual([
    'Cannot render "a" again: it is stale until that succeeds',
  ]);
});

it('renders once more for fill, and keeps that', async () => {
  const cache = cacheWith();
  await cache.get('a', named('a'));
  expect(await cache.fill('a', () => 'other')).toEqual({ value: 'other', outcome: 'stored' });
  changed(cache, 'b');
  expect(cache.peek('a')).toBeUndefined();
});

it('gives the value to those who wait when it is closed, and keeps nothing', async () => {
  const cache = cacheWith();
  await cache.get('b', named('b'));
  const { render, finish } = gated();
  const callers = [cache.get('a', render), cache.get('a', needless)];
  await turn();
  cache.close();
  finish('value');
  expect((await Promise.all(callers)).map(({ value }) => value)).toEqual(['value', 'value']);
  expect(await cache.get('b', () => 'rendered')).toMatchObject({ outcome: 'bypassed' });
  expect(cache.statistics()).toMatchObject({ entries: 0, dependencies: 0, rendering: 0, usable: false });
});

it('refuses a declaration that nothing would ever answer', async () => {
  const cache = cacheWith();
  let late: Rendering | undefined;
  await expect(
    cache.get('a', (page) => {
      page.dependsOn('port_updatde', { name: 'a' });
      return 'a';
    }),
  ).rejects.toThrow(
    'Cannot depend on channel "port_updatde": the cache listens to port_updated, news only, did you mean "port_updated"?',
  );
  await cache.get('a', (page) => {
    late = page;
    page.dependsOn('PORT_Updated', { name: 'a' });
    return 'a';
  });
  expect(() => late?.dependsOn('news')).toThrow('the render of "a" has ended');
});
