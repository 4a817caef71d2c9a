import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { followedCache } from '../src/memory-cache/followed-cache.ts';
import { lastingClock } from '../src/memory-cache/lasting-clock.ts';
import { sourceOf } from '../src/memory-cache/notification-source.ts';
import { sharedListener } from '../src/memory-cache/shared-listener.ts';
import type { Connection } from '../test/postgres/connection.ts';
import type { MemoryCache } from './memory-cache.ts';

/**
 * From an UPDATE that was sent to its notification, which a plain client in the same process has heard, and to its
 * entry, which is gone.
 */
export async function entryGone(connection: Connection, events: number): Promise<MemoryCache['gone']> {
  const times: MemoryCache['gone'] = { bare: [], entry: [] };
  let sent = 0;
  let dropped = () => {};
  const source = sourceOf(connection).open();
  const clock = lastingClock();
  const listener = sharedListener(
    {
      ...source,
      listen: (channels, notify) =>
        source.listen(channels, (channel, payload) => {
          notify(channel, payload);
          times.entry.push(performance.now() - sent);
          dropped();
        }),
    },
    clock,
    () => {},
  );
  const cache = followedCache<number>(listener, {
    channels: ['site_port_updated'],
    max: 100,
    maxStaleMs: 5_000,
    staleForMs: 0,
    now: clock.now,
    onError(error) {
      throw error;
    },
  });
  await cache.current();
  const bare = new pg.Client({ ...connection });
  const producer = new pg.Client({ ...connection });
  await Promise.all([bare.connect(), producer.connect()]);
  await producer.query('SET synchronous_commit = off');
  await bare.query('LISTEN site_port_updated');
  bare.on('notification', () => times.bare.push(performance.now() - sent));
  for (let nth = 0; nth < events; nth++) {
    const name = `port${nth % 200}`;
    await cache.get(name, (page) => {
      page.dependsOn('site_port_updated', { category: 'www', name });
      return nth;
    });
    await wait(2);
    const heard = Promise.all([
      once(bare, 'notification'),
      new Promise<void>((resolve) => {
        dropped = resolve;
      }),
    ]);
    sent = performance.now();
    const update = 'UPDATE site_ports SET version = version + 1 WHERE name = $1';
    await Promise.all([heard, producer.query(update, [name])]);
    if (cache.peek(name) !== undefined) throw new Error('Cannot measure: the entry is still there');
  }
  await Promise.all([bare.end(), producer.end(), cache.close()]);
  return times;
}
