import { expect, it } from 'vitest';
import { judgeRoot } from '../../../src/caches/files/judge-root.ts';
import type { KnownRoot, Marker, MarkerSeen, SeenFront, SeenRoot } from '../../../src/core/root.ts';

const absent: MarkerSeen = { kind: 'absent' };
const declared: MarkerSeen = { kind: 'declared' };
const marked = (id: string, more: Partial<Marker> = {}): MarkerSeen => ({
  kind: 'marker',
  marker: { id, boot: 'this', clean: false, left: [], ...more },
});
const front = (path: string, marker: MarkerSeen, more: Partial<SeenFront> = {}): SeenFront => ({
  path,
  mounted: false,
  identity: `1:${path}`,
  marker,
  writable: 'yes',
  ...more,
});
const set = (path: string, marker: MarkerSeen, more: Partial<SeenFront> = {}) =>
  front(path, marker, { mounted: true, ...more });
const seen = (fronts: SeenFront[], more: Partial<SeenRoot> = {}): SeenRoot => ({
  machine: 'm',
  boot: 'this',
  mountPoint: '/srv/cache',
  fronts,
  silent: [],
  refused: [],
  ...more,
});
const known = (places: Record<string, string>, more: Partial<KnownRoot> = {}): KnownRoot => ({
  id: places[''] ?? 'known',
  mountPoint: '/srv/cache',
  places,
  ...more,
});

function judge(root: SeenRoot, before?: KnownRoot, more: Partial<Parameters<typeof judgeRoot>[1]> = {}) {
  const verdict = judgeRoot(root, {
    root: '/srv/cache',
    fronts: ['news', 'ports', 'ports/x'],
    known: before,
    isCopy: false,
    unmarked: new Set(),
    newId: (path) => `new ${path}`,
    ...more,
  });
  if (!verdict.isCache) return verdict.why;
  const { wipe, places } = verdict;
  return { wipe, places: places.map(({ path, holder, id }) => [path, holder, id]) };
}

const served = (wipe: string | undefined, ...places: [string, string | undefined, string][]) => ({
  wipe,
  places,
});

it('takes what it finds at the first start, and gives it a marker', () => {
  expect(judge(seen([front('', absent)]))).toEqual(served(undefined, ['', '', 'new ']));
});

it('goes by the id, wherever it is mounted', () => {
  const elsewhere = seen([front('', marked('a'))], { mountPoint: '/' });
  expect(judge(elsewhere, known({ '': 'a' }))).toEqual(served(undefined, ['', '', 'a']));
});

it.each([
  ['no marker', absent],
  ['a marker of before the first mount', marked('b')],
  ['something else', { kind: 'strange' } as const],
])('waits for the mount when there is %s where the file system was mounted', (_what, marker) => {
  const why = judge(seen([front('', marker)], { mountPoint: '/srv' }), known({ '': 'a' }));
  expect(why).toContain('the file system at /srv/cache is not mounted');
  expect(why).toContain('": > /srv/cache/.uncached"');
});

it('takes another directory on the same file system, or a new one, for the cache from now on, and wipes it', () => {
  expect(judge(seen([front('', absent)]), known({ '': 'a' }))).toEqual(served('unknown', ['', '', 'new ']));
  expect(judge(seen([front('', marked('b'))]), known({ '': 'a' }))).toEqual(served('unknown', ['', '', 'b']));
  expect(
    judge(seen([front('', absent)], { mountPoint: '/srv/cache' }), known({ '': 'a' }, { mountPoint: '/' })),
  ).toEqual(served('unknown', ['', '', 'new ']));
});

it('takes what an operator has declared to be the cache, and wipes it', () => {
  expect(judge(seen([front('', declared)], { mountPoint: '/srv' }), known({ '': 'a' }))).toEqual(
    served('unknown', ['', '', 'new ']),
  );
});

it('keeps a marker on each mount, in the first directory of it that may be written', () => {
  const sets = seen([
    front('', absent, { writable: 'no' }),
    set('news', absent),
    front('ports', absent, { writable: 'no' }),
    front('ports/x', absent),
  ]);
  expect(judge(sets)).toEqual(served(undefined, ['', 'ports/x', 'new '], ['news', 'news', 'new news']));
});

it('needs none in a plain directory over sets, though it may not be written', () => {
  expect(judge(seen([front('', absent, { writable: 'no' }), set('news', absent)]))).toEqual(
    served(undefined, ['news', 'news', 'new news']),
  );
});

it('keeps to a marker where nobody can write for now: failing to keep it is an alarm', () => {
  const readOnly = { writable: 'read-only' } as const;
  expect(judge(seen([front('', absent, readOnly), front('news', absent, readOnly)]))).toEqual(
    served(undefined, ['', '', 'new ']),
  );
  expect(judge(seen([front('', absent, readOnly), set('news', absent)]))).toEqual(
    served(undefined, ['news', 'news', 'new news']),
  );
});

it('waits for a set that is not mounted, unless it is declared or no template names it', () => {
  const before = known({ '': 'a', news: 'n', old: 'o' });
  const without = (marker: MarkerSeen) => seen([front('', marked('a')), front('news', marker)]);
  expect(judge(without(absent), before)).toContain('the file system at /srv/cache/news is not mounted');
  expect(judge(seen([front('', marked('a'))]), before)).toContain('/srv/cache/news is not mounted');
  expect(judge(without(declared), before)).toEqual(served('unknown', ['', '', 'a']));
  const all = seen([front('', marked('a')), set('news', marked('n'))]);
  expect(judge(all, before)).toEqual(served(undefined, ['', '', 'a'], ['news', 'news', 'n']));
});

it.each(['silent', 'refused'])('does not wait for a %s set: what is asked of it fails by itself', (how) => {
  const without = (path: string) => seen([front('', marked('a'))], { [how]: [path] });
  const root = served(undefined, ['', '', 'a']);
  expect(judge(without('news'), known({ '': 'a', news: 'n' }))).toEqual(root);
  expect(judge(without('ports'), known({ '': 'a', 'ports/x': 'x' }))).toEqual(root);
  expect(judge(without('news'), known({ '': 'a', ports: 'p' }))).toContain('/srv/cache/ports is not mounted');
});

it('wipes a set that could not be seen before, whatever it is; until then it may be unmounted', () => {
  const root = front('', marked('a'));
  const before = known({ '': 'a', news: '' });
  for (const fronts of [[root], [root, front('news', absent)]])
    expect(judge(seen(fronts), before)).toEqual(served(undefined, ['', '', 'a']));
  for (const [marker, id] of [
    [marked('n'), 'n'],
    [absent, 'new news'],
  ] as const)
    expect(judge(seen([root, set('news', marker)]), before)).toEqual(
      served('unknown', ['', '', 'a'], ['news', 'news', id]),
    );
});

it('wipes when a set is new or another, or was rolled back to before its marker', () => {
  const root = front('', marked('a'));
  for (const [marker, id] of [
    [absent, 'new news'],
    [marked('x'), 'x'],
  ] as const)
    expect(judge(seen([root, set('news', marker)]), known({ '': 'a', news: 'n' }))).toEqual(
      served('unknown', ['', '', 'a'], ['news', 'news', id]),
    );
});

it.each([
  ['in another boot', { boot: 'other' }, 'crash'],
  ['in this boot', {}, undefined],
  ['in another boot, cleanly', { boot: 'other', clean: true }, undefined],
])('a run that ended %s', (_when, marker, wipe) => {
  expect(judge(seen([front('', marked('a', marker))]), known({ '': 'a' }))).toMatchObject({ wipe });
});

it.each([
  ['booted 1000', 'booted 1060', undefined],
  ['booted 1060', 'booted 1000', undefined],
  ['booted 1000', 'booted 1061', 'crash'],
  ['booted 1000', 'this', 'crash'],
])('a boot told by its second may be a minute off: %s, then %s', (before, boot, wipe) => {
  const root = seen([front('', marked('a', { boot: before }))], { boot });
  expect(judge(root, known({ '': 'a' }))).toMatchObject({ wipe });
});

it('wipes a copy, and gives it an id of its own', () => {
  const root = seen([front('', marked('a'))]);
  expect(judge(root, undefined, { isCopy: true })).toEqual(served('copy', ['', '', 'new ']));
});

it('knows a root that can have no marker by the id that the database has, unless it had a marker', () => {
  const none = { writable: 'no' } as const;
  const root = seen([front('', absent, none), front('news', absent, none), set('ports', absent, none)]);
  const places = (id: string) => served(undefined, ['', undefined, id], ['ports', undefined, 'new ports']);
  expect(judge(root, known({}, { id: 'a' }))).toEqual(places('a'));
  expect(judge(root, known({ '': 'a' }))).toEqual(places('new '));
  expect(judge(root)).toEqual(places('new '));
});

it('does not wipe because of a missing marker that could not be written', () => {
  const root = seen([front('', absent)]);
  expect(judge(root, known({ '': 'a' }), { unmarked: new Set(['']) })).toMatchObject({ wipe: undefined });
});
