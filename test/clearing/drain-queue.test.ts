import { beforeEach, expect, it } from 'vitest';
import { AdaptiveBatchSize } from '../../src/clearing/batch-size.ts';
import { ClaimsUnderWay } from '../../src/clearing/claims-under-way.ts';
import { type ClaimContext, drainQueue } from '../../src/clearing/drain-queue.ts';
import { LocalConsumers } from '../../src/clearing/local-consumers.ts';
import type { Log } from '../../src/core/consumer-contract.ts';
import type { Claim, Queue } from '../../src/core/contracts.ts';
import type { ClearResult } from '../../src/core/target-cache.ts';
import { usualTimings } from '../../src/core/timings.ts';
import { FakeCache } from './fake-cache.ts';
import { handlerOf } from './handler-of.ts';
import { LogWorld } from './log-world.ts';

/** A queue whose claims take one entry each, and a cache whose clearings end when the test says so. */
let keys: string[];
let happened: string[];
let clearings: Held<ClearResult>[];
let claimFailsAt: number;
let cut: boolean;
/** For each claim: whether rows remain that others have locked. */
let remains: boolean[];
let context: ClaimContext;
let stop: AbortController;
let batchSize: AdaptiveBatchSize;

beforeEach(() => {
  keys = ['p1', 'p2', 'p3', 'p2'];
  happened = [];
  clearings = [];
  stop = new AbortController();
  cut = false;
  remains = [];
  claimFailsAt = Number.POSITIVE_INFINITY;
});

const done = { files: 1, failures: [] };

const queue: Queue = {
  async claim(_limit, after): Promise<Claim> {
    const id = Number(after ?? 0) + 1;
    happened.push(`claim ${id}`);
    if (id >= claimFailsAt) throw new Error('cut');
    const key = keys[id - 1];
    const claim = { ...none, remains: remains.shift() ?? false };
    if (key === undefined || (after === null && happened.length > 1)) return claim;
    return { ...claim, entries: 1, rows: [{ id, handler: 'page', key: { id: key } }], last: String(id), cut };
  },
  backlog: async () => ({ entries: 0, lagMs: null, ofUnknownAge: 0 }),
};

const none: Claim = { entries: 0, rows: [], last: null, lagMs: null, remains: false };

function drained(batch = 1): Promise<boolean> {
  const cache = new FakeCache();
  cache.clear = (patterns, how) => {
    // A second clearing follows, so the temps of large directories may wait for it.
    expect(how).toEqual({ secondFollows: true });
    happened.push(`clear ${[...patterns].join(' ')}`);
    const clearing = held<ClearResult>();
    clearings.push(clearing);
    return clearing.promise;
  };
  const world = new LogWorld();
  const consumers = new LocalConsumers([world.follow(cache)]);
  const clearFirst = consumers.clearFirst.bind(consumers);
  Object.assign(consumers, {
    async clearFirst(...[name, batches, how]: Parameters<typeof clearFirst>) {
      const outcome = await clearFirst(name, batches, how);
      const ids = batches.flatMap((rows) => rows.map(({ id }) => id));
      // `more`: another batch follows, and the snapshot waits for it.
      happened.push(`cleared ${ids}${how.more ? ', more' : ''}`);
      return outcome;
    },
    noMore: () => void happened.push('no more'),
  });
  context = {
    claimsAtOnce: () => true,
    consumers,
    claims: new ClaimsUnderWay(),
    log: {} as Log,
    clock: { now: () => 0, wait: () => expect.fail('nobody waits here') },
    observe: () => {},
  };
  batchSize = new AdaptiveBatchSize(batch, usualTimings.claims);
  return drainQueue(handlerOf('page'), queue, {
    context,
    pace: batchSize,
    onBatch: () => {},
    signal: stop.signal,
  });
}

/** How far the cache has cleared the log, and from where on somebody must read it. */
const progress = () => {
  const [consumer] = context.consumers.all;
  const { wakeup } = consumer?.reader ?? expect.fail('no consumer');
  return { clearedTo: consumer?.clearedTo, reads: wakeup.asked };
};

/** Lets everything run that can. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

it('claims while files go, and clears together what was claimed meanwhile, each key once', async () => {
  const end = drained();
  await settle();
  expect(happened).toEqual(['claim 1', 'clear p1', 'claim 2', 'claim 3', 'claim 4', 'claim 5', 'claim 1']);
  expect(progress().clearedTo).toBe(0);
  clearings[0]?.resolve(done);
  await settle();
  expect(happened.slice(7)).toEqual(['cleared 1, more', 'clear p2 p3']);
  expect(progress().clearedTo).toBe(1);
  clearings[1]?.resolve(done);
  expect(await end).toBe(false);
  expect(happened.slice(9)).toEqual(['cleared 2,3,4', 'no more']);
  expect(progress().clearedTo).toBe(4);
});

it('continues after a claim that was cut and has fewer entries than requested', async () => {
  cut = true;
  const end = drained(1_000);
  await settle();
  expect(happened).toEqual(['claim 1', 'clear p1', 'claim 2', 'claim 3', 'claim 4', 'claim 5', 'claim 1']);
  stop.abort();
  clearings[0]?.resolve(done);
  await end;
});

/** Claims: the one whose files are being deleted, and those that may wait. */
const most = 21;

it('claims no further ahead than a bound', async () => {
  keys = Array.from({ length: 30 }, (_, nth) => `p${nth + 1}`);
  const end = drained();
  await settle();
  expect(happened.filter((event) => event.startsWith('claim'))).toHaveLength(most);
  clearings[0]?.resolve(done);
  await settle();
  expect(clearings.length).toBe(2);
  expect(happened).toContain('claim 31');
  for (const nth of [1, 2]) {
    clearings[nth]?.resolve(done);
    await settle();
  }
  await end;
  expect(progress().clearedTo).toBe(30);
});

it('ends only when the files of the last batch are gone', async () => {
  keys = ['p1'];
  let ended = false;
  const end = drained(2).then(() => {
    ended = true;
  });
  await settle();
  expect(ended).toBe(false);
  clearings[0]?.resolve(done);
  await end;
  expect(happened).toEqual(['claim 1', 'clear p1', 'cleared 1', 'no more']);
});

it.each([
  ['that rows remain', [true], true],
  ['that none remain, if the last claim met none', [true, false, false], false],
  ['that rows remain, if the last claim alone met some', [false, false, true], true],
])('returns %s', async (_what, met, expected) => {
  keys = ['p1'];
  remains = [...met];
  // A claim of one entry is short only when two may be taken.
  const end = drained(met.length > 1 ? 1 : 2);
  await settle();
  clearings[0]?.resolve(done);
  expect(await end).toBe(expected);
});

it('reports no remaining rows once it is stopped, since nobody will come back for them', async () => {
  keys = ['p1'];
  remains = [true];
  const end = drained(2);
  await settle();
  stop.abort();
  clearings[0]?.resolve(done);
  expect(await end).toBe(false);
});

it('asks for half as much after a claim that failed, which would time out again', async () => {
  claimFailsAt = 1;
  await expect(drained(100)).rejects.toThrow('cut');
  expect(batchSize.size).toBe(50);
});

it('reports the current batch before the failed claim', async () => {
  claimFailsAt = 2;
  const end = drained();
  end.catch(() => happened.push('told'));
  await settle();
  expect(happened).toEqual(['claim 1', 'clear p1', 'claim 2']);
  clearings[0]?.resolve(done);
  await expect(end).rejects.toThrow('cut');
  expect(happened.slice(3)).toEqual(['cleared 1, more', 'told']);
});

it('fails with a clearing that failed, claims nothing more and leaves the rest to the log', async () => {
  keys = Array.from({ length: 30 }, (_, nth) => `p${nth + 1}`);
  const end = drained();
  end.catch(() => {});
  await settle();
  clearings[0]?.reject(new Error('the thread died'));
  await expect(end).rejects.toThrow('the thread died');
  expect(happened.filter((event) => event.startsWith('claim'))).toHaveLength(most);
  expect(clearings.length).toBe(1);
  expect(progress()).toEqual({ clearedTo: 0, reads: true });
});

it('ends after the current clearing when it is stopped, and leaves waiting rows to the log', async () => {
  const end = drained();
  context.consumers.all[0]?.reader.wakeup.take();
  await settle();
  stop.abort();
  expect(progress().reads).toBe(false);
  clearings[0]?.resolve(done);
  await end;
  expect(clearings.length).toBe(1);
  expect(progress()).toEqual({ clearedTo: 1, reads: true });
});

interface Held<Value> {
  readonly promise: Promise<Value>;
  readonly resolve: (value: Value) => void;
  readonly reject: (error: Error) => void;
}

function held<Value>(): Held<Value> {
  let [resolve, reject]: [Held<Value>['resolve'], Held<Value>['reject']] = [() => {}, () => {}];
  const promise = new Promise<Value>((...both) => {
    [resolve, reject] = both;
  });
  return { promise, resolve, reject };
}
