import { beforeEach, expect, it } from 'vitest';
import { RootWorld } from './root-world.ts';

/** The guard of a root as a consumer of the log. */
let world: RootWorld;
beforeEach(() => {
  world = new RootWorld();
});

const known = { id: 'a', boot: 'this', clean: true, left: [] };

const soon = () => new Promise((resolve) => setImmediate(resolve));

async function isServed(root: ReturnType<RootWorld['start']>): Promise<boolean> {
  let served = false;
  root.verified().then(
    () => {
      served = true;
    },
    () => {},
  );
  await soon();
  return served;
}

it('joins once, before anything of it is served, as what its marker says', async () => {
  world.marker = known;
  const root = world.start();
  await root.step(60_000);
  await root.step(60_000);
  expect(world.done().filter((event) => event.startsWith('joined'))).toEqual(['joined as a']);
  expect(await isServed(root)).toBe(true);
});

it.each([
  ['new', 'new'],
  ['expired', 'expired'],
  ['wiping', 'unknown'],
] as const)('wipes what the database finds to be %s, once', async (state, why) => {
  world.marker = known;
  world.state = state;
  const root = world.start();
  for (let step = 0; step < 3; step++) await root.step(60_000);
  expect(world.done().filter((event) => event.startsWith('cleared'))).toEqual(['cleared news/* in 1:1']);
  expect(world.events).toEqual([{ kind: 'cache-wiped', files: 1, whole: true, why }]);
});

it('stands by while another daemon has it, says so once, and takes over', async () => {
  world.state = undefined;
  const root = world.start();
  const inspected = root.inspected;
  for (let step = 0; step < 3; step++) expect(await root.step(60_000)).toBe(2_000);
  await inspected;
  expect([root.standsBy, root.problem, await isServed(root)]).toEqual([true, undefined, false]);
  expect(world.done()).toEqual(['joined as id 1', 'joined as id 1', 'joined as id 1']);
  expect(world.events).toEqual([
    { kind: 'notice', text: expect.stringContaining('this one stands by until that one is gone') },
  ]);
  world.state = 'live';
  expect(await root.step(60_000)).toBe(60_000);
  expect([root.standsBy, await isServed(root)]).toEqual([false, true]);
  expect(world.done()).toEqual(['joined as id 1', 'marked', 'registered']);
  expect(world.events[1]).toEqual({
    kind: 'notice',
    text: expect.stringContaining('The other daemon is gone'),
  });
});

it('is no longer troubled by its root while it stands by', async () => {
  world.missing = true;
  const root = world.start();
  await root.step(60_000);
  world.missing = false;
  world.state = undefined;
  await root.step(60_000);
  expect(root.problem).toBe(undefined);
  expect(world.told).toEqual(['loop-failed', 'loop-recovered', 'notice']);
});

it('serves nothing once it has lost its place, and joins again', async () => {
  world.marker = known;
  const root = world.start();
  await root.step(60_000);
  world.done();
  root.wakeup.take();
  root.lost();
  expect([root.wakeup.asked, world.follows, await isServed(root)]).toEqual([true, false, false]);
  world.state = 'expired';
  await root.step(60_000);
  expect(world.done().slice(0, 2)).toEqual(['joined as a', 'cleared news/* in 1:1']);
  expect([world.follows, await isServed(root)]).toEqual([true, true]);
});

it('stands by when another daemon has taken its place', async () => {
  world.marker = known;
  const root = world.start();
  await root.step(60_000);
  world.state = undefined;
  root.lost();
  expect(await root.step(60_000)).toBe(2_000);
  expect([root.standsBy, world.follows, await isServed(root)]).toEqual([true, false, false]);
});

it('goes on serving while it joins again because of the server', async () => {
  world.marker = known;
  const root = world.start();
  await root.step(60_000);
  world.done();
  root.wakeup.take();
  root.rejoin();
  expect([root.wakeup.asked, world.follows, await isServed(root)]).toEqual([true, true, true]);
  await root.step(60_000);
  expect(world.done()[0]).toBe('joined as a');
});

it('joins as another when another root is put in its place', async () => {
  world.marker = known;
  const root = world.start();
  await root.step(60_000);
  world.done();
  world.marker = { ...known, id: 'b' };
  world.identity = '2:1';
  world.state = 'new';
  await root.step(60_000);
  expect(world.done()).toEqual(['joined as b to be wiped', 'cleared news/* in 2:1', 'marked', 'registered']);
  expect(world.events).toEqual([{ kind: 'cache-wiped', files: 1, whole: true, why: 'unknown' }]);
});

it('gives another directory without a marker another id', async () => {
  const root = world.start();
  await root.step(60_000);
  world.marker = undefined;
  await root.step(60_000);
  expect(world.done().filter((event) => event.startsWith('joined'))).toEqual([
    'joined as id 1',
    'joined as id 2 to be wiped',
  ]);
});

it('gives a copy an id of its own before it joins', async () => {
  world.marker = known;
  world.isCopy = true;
  world.state = 'new';
  await world.start().step(60_000);
  expect(world.done()[0]).toBe('joined as id 1 to be wiped');
  expect(world.marker?.id).toBe('id 1');
});

it.each([
  ['no marker can be kept', true],
  ['nothing needs one', false],
])('is the same at each start where %s, because the database remembers', async (_why, hasFront) => {
  world.writable = 'no';
  world.hasFront = hasFront;
  await world.start().step(60_000);
  expect(world.row).toMatchObject({ id: 'id 1', places: {} });
  await world.start().step(60_000);
  expect(world.done().filter((event) => event.startsWith('joined'))).toEqual([
    'joined as id 1',
    'joined as id 1',
  ]);
});
