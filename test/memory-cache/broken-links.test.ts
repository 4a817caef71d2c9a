import { afterEach, beforeEach, expect, it } from 'vitest';
import { type MemoryCache, memoryCache } from '../../src/memory-cache/memory-cache.ts';
import { eventually } from '../faults/eventually.ts';
import { FaultProxy } from '../faults/proxy.ts';
import { withClient } from '../postgres/connection.ts';
import { testDatabase } from '../postgres/test-database.ts';

const database = testDatabase();
let proxy: FaultProxy;
let cache: MemoryCache<string> | undefined;
let errors: Error[];

beforeEach(async () => {
  proxy = await FaultProxy.open(database.config, { tcp: true });
  errors = [];
});
afterEach(async () => {
  await proxy.heal();
  await cache?.close();
  await proxy.close();
});

function made(maxStaleMs: number): MemoryCache<string> {
  cache = memoryCache<string>({
    connection: proxy.connection,
    channels: ['port_updated'],
    maxStaleMs,
    onError: (error) => errors.push(error),
  });
  return cache;
}

const notify = () =>
  withClient(database.config, (client) => client.query(`SELECT pg_notify('port_updated', '{"name": "a"}')`));
const render = () => 'a';
const state = async () => JSON.stringify({ ...cache?.statistics(), errors: errors.map(String) });

it('renders each time while connections are refused at the start, and reports that once', async () => {
  await proxy.refuse();
  const made1 = made(1_000);
  await expect(made1.current()).rejects.toThrow('ECONNREFUSED');
  for (let nth = 0; nth < 3; nth++)
    expect(await made1.get('a', render)).toEqual({ value: 'a', outcome: 'bypassed' });
  await expect(made1.current()).rejects.toThrow('ECONNREFUSED');
  expect(errors).toHaveLength(1);
  expect(errors[0]?.message).toMatch(/^Cannot hear of changes: .*ECONNREFUSED/);
  await proxy.heal();
  await eventually('usable', async () => made1.statistics().usable || undefined, state);
  expect(await made1.get('a', render)).toMatchObject({ outcome: 'stored' });
  expect(await made1.get('a', render)).toMatchObject({ outcome: 'hit' });
});

it('serves for maxStaleMs at most over a half-open link, and from memory again when another is made', async () => {
  const maxStaleMs = 1_500;
  const halfOpen = made(maxStaleMs);
  await halfOpen.current();
  await halfOpen.get('a', render);
  proxy.freeze('all');
  const frozen = performance.now();
  await notify();
  await eventually('bypassed', async () => !halfOpen.statistics().usable || undefined, state, 100_000, 5);
  const servedMs = performance.now() - frozen;
  expect(halfOpen.peek('a')).toBeUndefined();
  expect(await halfOpen.get('a', render)).toMatchObject({ outcome: 'bypassed' });
  // The clocks are read one after the other.
  expect(servedMs).toBeLessThan(maxStaleMs + 250);
  await eventually('reported', async () => errors.length > 0 || undefined, state);
  for (const link of proxy.links()) link.cut();
  await proxy.heal();
  await eventually('usable', async () => halfOpen.statistics().usable || undefined, state);
  expect(await halfOpen.get('a', render)).toMatchObject({ outcome: 'stored' });
  expect(errors).toHaveLength(1);
});

it('notices that nothing arrives although LISTEN succeeded, as through a pooler in transaction mode', async () => {
  proxy.freeze('listener');
  const withoutAnswer = made(1_000);
  await expect(withoutAnswer.current()).rejects.toThrow();
  expect(await withoutAnswer.get('a', render)).toMatchObject({ outcome: 'bypassed' });
  expect(errors).toHaveLength(1);
});
