import { beforeEach, expect, it } from 'vitest';
import type { Marker } from '../../../src/core/root.ts';
import { RootWorld } from './root-world.ts';

let world: RootWorld;
beforeEach(() => {
  world = new RootWorld();
});

const crashed: Marker = { id: 'a', boot: 'other', clean: false, left: [] };

it('marks and remembers a new root, and writes nothing more while nothing changes', async () => {
  const root = world.start();
  expect(await root.step(60_000)).toBe(60_000);
  expect(world.done()).toEqual(['joined as id 1', 'marked', 'registered']);
  expect(world.row).toMatchObject({ id: 'id 1', places: { '': 'id 1' } });
  expect(await root.verified()).toEqual({ '': '1:1' });
  await root.step(60_000);
  expect(world.done()).toEqual(['registered']);
});

it('says that it wipes before it does, and marks after it', async () => {
  world.marker = crashed;
  world.state = 'wiping';
  await world.start().step(60_000);
  expect(world.done()).toEqual(['joined as a to be wiped', 'cleared news/* in 1:1', 'marked', 'registered']);
  expect(world.events).toEqual([{ kind: 'cache-wiped', files: 1, whole: true, why: 'crash' }]);
});

it('wipes once, though no marker can say so', async () => {
  world.marker = crashed;
  world.full = true;
  const root = world.start();
  for (let round = 0; round < 3; round++)
    await expect(root.step(60_000)).rejects.toThrow('Cannot keep the marker');
  expect(world.done().filter((event) => event.startsWith('cleared'))).toHaveLength(1);
  expect(await root.verified()).toEqual({ '': '1:1' });
  world.full = false;
  await root.step(60_000);
  expect(world.done()).toEqual(['marked', 'registered']);
});

it('wipes again what looks the same after its markers were written, as after each rollback to before them', async () => {
  const root = world.start();
  await root.step(60_000);
  for (let rollback = 1; rollback <= 2; rollback++) {
    world.marker = undefined;
    world.done();
    await root.step(60_000);
    expect(world.done()).toContain('cleared news/* in 1:1');
  }
});

it('tries again alone what a wipe left, ever less often, and forgets it when it is gone', async () => {
  world.marker = crashed;
  world.failures = [{ pattern: 'news/*', path: 'news/odd', code: 'EACCES', message: 'no' }];
  const root = world.start();
  const first = await root.step(60_000);
  expect(first).toBeLessThanOrEqual(1_000);
  expect(world.marker.left).toEqual(['news/odd']);
  world.done();
  world.now += first;
  const second = await root.step(60_000);
  expect(world.done()).toEqual(['cleared news/odd in 1:1', 'registered']);
  expect(second).toBeGreaterThan(first / 2);
  world.failures = [];
  world.now += 60_000;
  await root.step(60_000);
  expect(world.done()).toEqual(['cleared news/odd in 1:1', 'marked', 'registered']);
  expect(world.marker.left).toEqual([]);
  expect(world.told).toEqual(['cache-wiped', 'wipe-failed', 'wipe-completed']);
  expect(world.events[0]).toMatchObject({ whole: false });
});

it('goes on with what an earlier run could not delete', async () => {
  world.marker = { ...crashed, clean: true, left: ['news/odd'] };
  await world.start().step(60_000);
  expect(world.done()).toContain('cleared news/odd in 1:1');
  // That run has reported that it was left.
  expect(world.told).toEqual(['wipe-completed']);
});

it('says that nothing is left when the second wipe deletes it', async () => {
  world.marker = crashed;
  world.failures = [{ pattern: 'news/*', path: 'news/odd', code: 'EACCES', message: 'no' }];
  const root = world.start();
  await root.step(60_000);
  world.failures = [];
  await root.wipeAgain();
  expect(world.told).toEqual(['cache-wiped', 'wipe-failed', 'wipe-completed']);
  await root.wipeAgain();
  expect(world.told).toHaveLength(3);
});

it('tells again that root is away after the database was, which was reported in its place', async () => {
  const root = world.start();
  world.missing = true;
  await root.step(60_000);
  world.missing = false;
  world.away = true;
  await expect(root.step(60_000)).rejects.toThrow('no database');
  world.away = false;
  world.missing = true;
  await root.step(60_000);
  await root.step(60_000);
  expect(world.told).toEqual(['loop-failed', 'loop-failed']);
  world.missing = false;
  await root.step(60_000);
  expect(world.told).toEqual(['loop-failed', 'loop-failed', 'loop-recovered']);
});

it.each([
  ['is missing', { missing: true }, 'root is missing: mount it or create it'],
  ['is not mounted', { mountPoint: '/srv', marker: undefined }, 'is not mounted'],
])('waits while root %s, tells it once, and goes on where it was', async (_what, away, told) => {
  const root = world.start();
  await root.step(60_000);
  const { marker } = world;
  Object.assign(world, away);
  root.recheck();
  for (let second = 0; second < 3; second++) expect(await root.step(60_000)).toBe(1_000);
  expect(world.events).toMatchObject([
    { kind: 'loop-failed', loop: 'root', error: { message: expect.stringContaining(told) } },
  ]);
  const waiting = root.verified();
  Object.assign(world, { missing: false, mountPoint: '/srv/cache', marker, identity: '2:1' });
  world.done();
  await root.step(60_000);
  expect(await waiting).toEqual({ '': '2:1' });
  expect(world.done()).toEqual(['registered']);
  expect(world.told).toEqual(['loop-failed', 'loop-recovered']);
});

it('serves nothing once it sees that root is away, even if no clearing has noticed', async () => {
  const root = world.start();
  await root.step(60_000);
  world.missing = true;
  await root.step(60_000);
  let served = false;
  root.verified().then(() => {
    served = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(served).toBe(false);
  world.missing = false;
  await root.step(60_000);
  await root.verified();
});

it('says clean of what could be deleted, and keeps what could not', async () => {
  world.marker = crashed;
  world.failures = [{ pattern: 'news/*', path: 'news/odd', code: 'EACCES', message: 'no' }];
  const root = world.start();
  await root.step(60_000);
  await root.leave();
  expect(world.marker).toMatchObject({ clean: true, left: ['news/odd'] });
});

it('leaves a root clean that is on the disk', async () => {
  const root = world.start();
  await root.step(60_000);
  world.done();
  await root.leave();
  expect(world.done()).toEqual(['synced', 'marked clean']);
});

it.each([
  ['was never marked', async () => world.start()],
  [
    'is away',
    async () => {
      const root = world.start();
      await root.step(60_000);
      world.missing = true;
      await root.step(60_000);
      return root;
    },
  ],
  [
    'another daemon clears',
    async () => {
      const root = world.start();
      await root.step(60_000);
      world.state = undefined;
      root.lost();
      await root.step(60_000);
      return root;
    },
  ],
  [
    'is another by now',
    async () => {
      const root = world.start();
      await root.step(60_000);
      world.marker = crashed;
      return root;
    },
  ],
  [
    'could not be wiped',
    async () => {
      world.marker = crashed;
      world.broken = true;
      const root = world.start();
      await root.step(60_000).catch(() => {});
      world.broken = false;
      return root;
    },
  ],
])('says nothing of a root that %s', async (_what, begin) => {
  const root = await begin();
  world.done();
  await root.leave().catch(() => {});
  expect(world.done().filter((event) => event.startsWith('marked'))).toEqual([]);
});

it('lets nobody wait after its end, and reports no check that is cut short', async () => {
  const root = world.start();
  root.end(new Error('stopping'));
  await expect(root.verified()).rejects.toThrow('stopping');
  world.missing = true;
  await root.step(60_000);
  expect(world.told).toEqual([]);
});
