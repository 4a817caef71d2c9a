import { expect, it } from 'vitest';
import { AdaptiveBatchSize } from '../../src/clearing/batch-size.ts';
import { drainQueue } from '../../src/clearing/drain-queue.ts';
import { Pipeline } from '../../src/clearing/pipeline.ts';
import type { Claim, JournalRow, Queue } from '../../src/core/contracts.ts';
import type { Event } from '../../src/core/events.ts';
import { partsOf } from './context.ts';

/**
 * The part of a key that an event carries, for the longest key that is read. It goes to the log, the status
 * page and the journal's error.
 */
const long = 'x'.repeat(8_000);

it('shortens a long key to its beginning, in examples and in errors', async () => {
  const events: Event[] = [];
  const cache = {
    clear: async (patterns: Iterable<string | readonly string[]>) => ({
      files: [...patterns].length,
      failures: [],
    }),
    close: async () => {},
  };
  const parts = {
    ...partsOf({ journal: {}, cache, now: () => 0 }),
    observe: (event: Event) => void events.push(event),
  };
  const handler = parts.handlers.get('page');
  if (!handler) throw new Error('no handler');
  const rows: JournalRow[] = [
    { id: 1, handler: 'page', key: { id: long } },
    { id: 2, handler: 'page', key: { id: `a/${long}` } },
  ];
  const claims: Claim[] = [{ entries: 2, rows, last: null, lagMs: 0, remains: false }];
  const nothing: Claim = { entries: 0, rows: [], last: null, lagMs: null, remains: false };
  const queue: Queue = {
    claim: async () => claims.shift() ?? nothing,
    backlog: async () => ({ entries: 0, lagMs: null, ofUnknownAge: 0 }),
  };
  await drainQueue(handler, queue, {
    pipeline: new Pipeline(parts, { settleMs: 0, batch: 10, lanes: false }),
    pace: new AdaptiveBatchSize(10),
    onBatch: () => {},
    signal: new AbortController().signal,
  });

  expect(events.map(({ kind }) => kind)).toEqual(['batch-done', 'clear-failed']);
  expect(JSON.stringify(events).length).toBeLessThan(5_000);
  const invalid = events.flatMap((event) => (event.kind === 'batch-done' ? event.invalid : []));
  expect(invalid.map(({ error }) => error.length > 100 && error.length < 1_100)).toEqual([true, true]);
  expect(JSON.stringify(events[1])).toContain('(8000 characters)');
});
