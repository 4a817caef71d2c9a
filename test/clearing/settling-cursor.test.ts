import { beforeEach, expect, it } from 'vitest';
import { SettlingWorld, settleMs } from './settling-world.ts';

let world: SettlingWorld;
beforeEach(() => {
  world = new SettlingWorld();
});

const writes = () => world.done().filter((what) => what.startsWith('write') || what.startsWith('live'));

it('writes the cursors at most once a second, however many events there are', async () => {
  world.start({ ms: 0 });
  for (let id = 1; id <= 100; id++) {
    world.clear(id);
    expect(await world.run()).toBe(id === 1 ? null : 1_000 - (id - 1) * 5);
    world.now += 5;
  }
  expect(writes()).toEqual(['write 1, 1']);
  world.now += 500;
  expect(await world.run()).toBe(null);
  expect(writes()).toEqual(['write 100, 100']);
});

it('writes them as soon as something has settled, and looks again soon, where somebody may wait', async () => {
  world.awaited = true;
  world.start({ ms: 0 });
  for (let id = 1; id <= 3; id += 1) {
    world.clear(id);
    await world.run();
    world.now += 10;
  }
  expect(writes()).toEqual(['write 1, 1', 'write 2, 2', 'write 3, 3']);
  world.open = { virtual: ['3/7'], prepared: [] };
  world.clear(4);
  expect(await world.run()).toBe(5);
});

it('writes them at the end, and nothing where nothing is new', async () => {
  const settling = world.start({ ms: 0 });
  world.clear(1);
  await world.run();
  world.clear(2);
  await world.run();
  expect(writes()).toEqual(['write 1, 1']);
  await settling.flush();
  await settling.flush();
  expect(writes()).toEqual(['write 2, 2']);
});

it('writes what it is when the write before has failed', async () => {
  const settling = world.start({ ms: 0 });
  world.failsOnce = 'write';
  world.clear(1);
  await expect(world.run()).rejects.toThrow('cut');
  expect(await settling.step()).toBe(null);
  expect(writes()).toEqual(['write 1, 1']);
});

it('tells that it has lost its place, and does not ask again at once', async () => {
  world.start({ ms: 0 });
  world.isLost = true;
  world.clear(1);
  expect(await world.run()).toBe(null);
  expect(world.lost).toBe(1);
});

it('writes nothing more once the server may have undone something, not even at the end', async () => {
  const settling = world.start({ ms: 0 });
  world.clear(1);
  settling.doubt();
  expect(await world.run()).toBe(null);
  await settling.flush();
  expect(settling.settledTo).toBe(1);
  expect(writes()).toEqual([]);
});

it('wipes what is unknown with the first cohort, after its grace and settle time, and only then is it live', async () => {
  const settling = world.start({ settledTo: 7, wiping: true });
  world.open.virtual = ['3/1'];
  await world.run();
  expect(settling.pending).toBe(true);
  world.open.virtual = [];
  world.now += 250;
  await world.run();
  expect(world.done()).toEqual(['snapshot 7 to 7', 'snapshot 7 to 7']);
  world.now += settleMs;
  expect(await world.run()).toBe(null);
  expect(world.done()).toEqual(['clear 7 all', 'live from 7']);
  world.clear(8);
  await world.run();
  world.now += settleMs;
  await world.run();
  expect(world.cleared()).toEqual(['clear 8']);
});

it('wipes again where that failed', async () => {
  world.start({ wiping: true, ms: 0 });
  world.failsOnce = 'clear';
  await expect(world.run()).rejects.toThrow('cut');
  await world.run();
  expect(world.done()).toEqual(['snapshot 0 to 0', 'clear 0 all', 'live from 0']);
});

it('has lost its place where it may not become live', async () => {
  world.start({ wiping: true, ms: 0 });
  world.isLost = true;
  expect(await world.run()).toBe(null);
  expect(world.lost).toBe(1);
});
