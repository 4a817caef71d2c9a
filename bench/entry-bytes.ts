import { valueCache } from '../src/memory-cache/value-cache.ts';

/** A process that fills a cache, sends the bytes of an entry with two dependencies, and ends. */
const entries = 100_000;
const values = Array.from({ length: entries }, (_, nth) => ({ nth }));
const cache = valueCache<object>({
  channels: ['c'],
  max: entries,
  maxStaleMs: 1_000,
  staleForMs: 0,
  now: () => 0,
  onError(error) {
    throw error;
  },
});
cache.proven(0);
const before = used();
for (const [nth, value] of values.entries())
  await cache.get(`ports/www/port${nth}`, (page) => {
    page.dependsOn('c', { category: `category${nth % 60}`, name: `port${nth}` });
    page.dependsOn('c', { user: `user${nth % 500}` });
    return value;
  });
const after = used();
if (cache.statistics().entries !== entries) throw new Error('Cannot measure: entries are missing');
process.send?.((after - before) / entries);

function used(): number {
  if (globalThis.gc === undefined) throw new Error('Cannot measure memory: run node with --expose-gc');
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}
