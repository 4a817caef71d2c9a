import { expect, it } from 'vitest';
import { AdaptiveBatchSize } from '../../src/clearing/batch-size.ts';
import { ClaimsUnderWay } from '../../src/clearing/claims-under-way.ts';
import { drainQueue } from '../../src/clearing/drain-queue.ts';
import { LocalConsumers } from '../../src/clearing/local-consumers.ts';
import type { Log } from '../../src/core/consumer-contract.ts';
import type { Claim, Queue } from '../../src/core/contracts.ts';
import { usualTimings } from '../../src/core/timings.ts';
import { FakeCache } from './fake-cache.ts';
import { handlerOf } from './handler-of.ts';
import { LogWorld } from './log-world.ts';

/**
 * The part of a key that an event carries, for the longest key that is read. It goes to the log, the status
 * page and the error of a failing row.
 */
const long = 'x'.repeat(8_000);

it('shortens a long key to its beginning, in examples and in errors', async () => {
  const world = new LogWorld();
  const rows = world.append('page', long, `a/${long}`);
  const claims: Claim[] = [{ entries: 2, rows, last: null, lagMs: 0, remains: false }];
  const nothing: Claim = { entries: 0, rows: [], last: null, lagMs: null, remains: false };
  const queue: Queue = {
    claim: async () => claims.shift() ?? nothing,
    backlog: async () => ({ entries: 0, lagMs: null, ofUnknownAge: 0 }),
  };
  await drainQueue(handlerOf('page'), queue, {
    context: {
      claimsAtOnce: () => true,
      consumers: new LocalConsumers([world.follow(new FakeCache())]),
      claims: new ClaimsUnderWay(),
      log: {} as Log,
      clock: { now: () => 0, wait: () => expect.fail('nobody waits here') },
      observe: (event) => void world.events.push(event),
    },
    pace: new AdaptiveBatchSize(10, usualTimings.claims),
    onBatch: () => {},
    signal: new AbortController().signal,
  });

  const { events } = world;
  expect(events.map(({ kind }) => kind)).toEqual(['batch-done', 'clear-failed']);
  expect(JSON.stringify(events).length).toBeLessThan(5_000);
  const invalid = events.flatMap((event) => (event.kind === 'batch-done' ? event.invalid : []));
  expect(invalid.map(({ error }) => error.length > 100 && error.length < 1_100)).toEqual([true, true]);
  expect(JSON.stringify(events[1])).toContain('(8000 characters)');
});
