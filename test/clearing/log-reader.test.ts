import { beforeEach, expect, it } from 'vitest';
import { ClaimsUnderWay } from '../../src/clearing/claims-under-way.ts';
import type { Consumer } from '../../src/clearing/consumer.ts';
import { Orphans } from '../../src/clearing/orphans.ts';
import { usualTimings } from '../../src/core/timings.ts';
import { FakeCache, filesSteps } from './fake-cache.ts';
import { LogWorld, run } from './log-world.ts';

let world: LogWorld;
let cache: FakeCache;
let consumer: Consumer;

beforeEach(() => {
  world = new LogWorld();
  cache = new FakeCache();
  consumer = world.follow(cache, { batch: 3 });
});

const read = () => run(() => consumer.reader.step());
const soon = () => new Promise((resolve) => setImmediate(resolve));

it('reads the log a part at a time, from the durable cursor to its end', async () => {
  world.append('page', 'p1', 'p2', 'p3', 'p4', 'p5');
  world.settledTo = 1;
  consumer = world.follow(cache, { batch: 2 });
  // It looks again for a while: a claim may have begun before it was registered.
  expect(await read()).toBe(usualTimings.recovery.rescanMs);
  expect(world.happened()).toEqual(['read 1 to the end', 'read 3 to the end', 'read 5 to the end']);
  expect(cache.cleared()).toEqual(['p2 p3', 'p4 p5']);
  expect(consumer.clearedTo).toBe(5);
});

it('tells once that it clears again, and of how many rows', async () => {
  world.append('page', 'p1', 'p2', 'p3', 'p4');
  await read();
  world.append('page', 'p5');
  await read();
  expect(world.told('log-recovery')).toEqual([{ kind: 'log-recovery', rows: 3 }]);
});

it('tells of no recovery where there was nothing to recover', async () => {
  await read();
  world.append('page', 'p1');
  await read();
  expect(world.told('log-recovery')).toEqual([]);
  expect(world.told('cleared')).toMatchObject([{ handler: 'page', entries: 1, keys: 1, files: 1 }]);
});

it('reads a gap between what it knows, and ids that were never used are one', async () => {
  world.burn(2);
  const own = world.append('page', 'own');
  consumer.expect(own);
  expect(consumer.reader.wakeup.asked).toBe(true);
  await read();
  expect(world.happened()[0]).toBe('read 0 to 2');
  await consumer.clearFirst('page', [own]);
  expect(consumer.clearedTo).toBe(3);
});

it('is not woken by rows of our own claim that follow what it knows', async () => {
  await read();
  consumer.reader.wakeup.take();
  consumer.expect(world.append('page', 'p1'));
  consumer.expect(world.append('page', 'p2'));
  expect(consumer.reader.wakeup.asked).toBe(false);
});

it('leaves rows alone that a claim brought while they were read', async () => {
  const own = world.append('page', 'own');
  world.during = (call) => {
    if (call === 'read') consumer.expect(own);
    world.during = () => {};
  };
  await read();
  expect(cache.cleared()).toEqual([]);
  expect(world.told('log-recovery')).toEqual([]);
  await consumer.clearFirst('page', [own]);
  expect(consumer.clearedTo).toBe(1);
});

it('leaves the rows of a claim alone that were read before the answer came', async () => {
  const own = world.append('page', 'own');
  await read();
  expect(consumer.expect(own)).toBe(false);
  expect(cache.cleared()).toEqual(['own']);
});

it('keeps rows of handlers that nobody has, and tells of each handler once, with all its rows', async () => {
  const { rows: failing } = world.failing;
  const orphans = new Orphans({ failing, observe: (event) => void world.events.push(event) });
  consumer = world.follow(cache, { orphans, batch: 3 });
  world.append('images', 'i1', 'i2', 'i3', 'i4');
  world.append('page', 'p1');
  await read();
  expect(cache.cleared()).toEqual(['p1']);
  expect(consumer.clearedTo).toBe(5);
  expect([...world.failing.all.keys()]).toEqual([1, 2, 3, 4]);
  world.append('images', 'i5');
  await read();
  expect(world.told('rows-orphaned')).toEqual([{ kind: 'rows-orphaned', handler: 'images', rows: 4 }]);
  expect(world.failing.has(6)).toBe(true);
});

it('passes over no row of a handler that nobody has before that is kept', async () => {
  const { rows: failing } = world.failing;
  consumer = world.follow(cache, { orphans: new Orphans({ failing, observe: () => {} }) });
  world.append('images', 'i1');
  world.failsOnce = 'keep orphans';
  await expect(read()).rejects.toThrow('keep orphans failed');
  expect(consumer.clearedTo).toBe(0);
  await read();
  expect(consumer.clearedTo).toBe(1);
  expect(world.failing.has(1)).toBe(true);
});

it('reads rows again whose clearing failed', async () => {
  world.append('page', 'p1');
  cache.broken = new Error('the thread died');
  await expect(read()).rejects.toThrow('the thread died');
  expect(consumer.clearedTo).toBe(0);
  cache.broken = undefined;
  await read();
  expect(cache.cleared()).toEqual(['p1']);
});

it('ends a part only when every handler of it is done, also where one fails', async () => {
  cache = new FakeCache(filesSteps([{}, { name: 'slow', clear: ['slow/{id}'] }]));
  consumer = world.follow(cache);
  world.append('page', 'p1');
  world.append('slow', 's1');
  cache.held = 'slow/s1';
  world.failsOnce = 'fail';
  cache.refused = ['p1'];
  let ended = false;
  const reading = read().finally(() => {
    ended = true;
  });
  reading.catch(() => {});
  await soon();
  expect(ended).toBe(false);
  cache.release();
  await expect(reading).rejects.toThrow('fail failed');
  expect(consumer.reader.wakeup.asked).toBe(true);
});

it('keeps what fails for a retry, and goes on', async () => {
  world.append('page', 'p1', 'stuck');
  cache.refused = ['stuck'];
  await read();
  expect(consumer.clearedTo).toBe(2);
  expect(world.failing.state).toEqual(['2 waits']);
  expect(consumer.retries.wakeup.asked).toBe(true);
  expect(world.told('cleared')).toMatchObject([{ keys: 1, failedKeys: 1 }]);
});

it('begins elsewhere where it was made to begin again while it read', async () => {
  world.append('page', 'p1');
  world.during = (call) => {
    world.during = () => {};
    if (call === 'read') consumer.follow({ settledTo: 1, clearedTo: 1, wiping: false });
  };
  await read();
  expect(cache.cleared()).toEqual([]);
  expect(world.happened()).toEqual(['read 0 to the end', 'read 1 to the end']);
});

it.each(['expired', undefined] as const)('has lost its place when it is %s', async (state) => {
  world.append('page', 'p1');
  world.state = state;
  expect(await read()).toBe(null);
  expect(world.happened()).toEqual(['read 0 to the end', 'lost']);
  expect(cache.cleared()).toEqual([]);
});

it('reads again every few seconds for as long as a lost claim may still be committed', async () => {
  consumer.reader.recover();
  expect(await read()).toBe(5_000);
  world.now += 9_999;
  expect(await read()).toBe(5_000);
  world.now += 1;
  expect(await read()).toBe(null);
});

it('waits for the answers of our own claims, though not for long', async () => {
  const claims = new ClaimsUnderWay();
  const waits: { ms: number; end: () => void; signal: AbortSignal }[] = [];
  const clock = {
    now: () => world.now,
    wait: (ms: number, signal: AbortSignal) =>
      new Promise<void>((end) => {
        waits.push({ ms, end, signal });
      }),
  };
  consumer = world.follow(cache, { claims, clock });
  let answer = () => {};
  void claims.track(
    new Promise<void>((resolve) => {
      answer = resolve;
    }),
  );
  const first = consumer.reader.step();
  await soon();
  expect(world.happened()).toEqual([]);
  expect(waits.map(({ ms }) => ms)).toEqual([usualTimings.recovery.answerMs]);
  waits[0]?.end();
  // Not once more for the same one after it has read.
  await first;
  expect(world.happened()).toEqual(['read 0 to the end']);
  const second = consumer.reader.step();
  await soon();
  answer();
  await second;
  expect(waits[1]?.signal.aborted).toBe(true);
  await consumer.reader.step();
  expect(waits).toHaveLength(2);
});

it('clears nothing twice that a claim brings while the log is read', async () => {
  const claims = new ClaimsUnderWay();
  consumer = world.follow(cache, { claims });
  const [others] = [world.append('page', 'other')];
  const own = world.append('page', 'own');
  let answer = () => {};
  const claim = new Promise<void>((resolve) => {
    answer = resolve;
  });
  world.during = async (call) => {
    if (call !== 'read') return;
    world.during = () => {};
    void claims.track(claim).then(() => consumer.expect(own));
  };
  const reading = read();
  await soon();
  answer();
  await reading;
  expect(cache.cleared()).toEqual(['other']);
  expect(others.map(({ id }) => id)).toEqual([consumer.clearedTo]);
});

it('does nothing while its consumer does not follow', async () => {
  consumer.leave();
  expect(await read()).toBe(null);
  expect(world.happened()).toEqual([]);
});
