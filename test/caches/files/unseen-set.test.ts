import { beforeEach, describe, expect, it } from 'vitest';
import type { MarkerSeen } from '../../../src/core/root.ts';
import { RootWorld } from './root-world.ts';

/** A set that does not answer, or cannot be entered, while the daemon runs. */
let world: RootWorld;
beforeEach(() => {
  world = new RootWorld();
  world.set = { kind: 'absent' };
});

const wipes = () => world.done().filter((event) => event.startsWith('cleared'));

describe.each(['silent', 'refused'] as const)('a set that is %s', (how) => {
  it('leaves root served, and is wiped when it is back', async () => {
    const root = world.start();
    await root.step(60_000);
    expect(await root.verified()).toEqual({ '': '1:1', news: '1:2' });
    world.unseen = how;
    await root.step(60_000);
    expect([world.told, wipes()]).toEqual([[], []]);
    expect(await root.verified()).toEqual({ '': '1:1' });
    world.unseen = undefined;
    for (let step = 0; step < 2; step++) await root.step(60_000);
    expect(await root.verified()).toEqual({ '': '1:1', news: '1:2' });
    expect([world.told, wipes()]).toEqual([['cache-wiped'], ['cleared news/* in 1:1']]);
  });

  it('may be unmounted, and is wiped when it is mounted again, also by the next daemon', async () => {
    const former = world.start();
    await former.step(60_000);
    const mounted = world.set;
    world.unseen = how;
    await former.step(60_000);
    Object.assign(world, { unseen: undefined, set: undefined });
    for (let step = 0; step < 2; step++) await former.step(60_000);
    expect([world.told, wipes()]).toEqual([[], []]);
    world.set = mounted;
    await world.start().step(60_000);
    expect(wipes()).toEqual(['cleared news/* in 1:1']);
  });

  it.each<[string, (before: MarkerSeen | undefined) => MarkerSeen | undefined]>([
    ['as it was', (before) => before],
    ['without its marker', () => ({ kind: 'absent' })],
  ])('and the only file system of the cache is wiped when it is back %s', async (_how, after) => {
    world.writable = 'no';
    const root = world.start();
    await root.step(60_000);
    expect(world.row?.places).toEqual({ news: 'id 1' });
    world.unseen = how;
    await root.step(60_000);
    expect(wipes()).toEqual([]);
    Object.assign(world, { unseen: undefined, set: after(world.set) });
    await root.step(60_000);
    expect(wipes()).toEqual(['cleared news/* in 1:1']);
  });
});
