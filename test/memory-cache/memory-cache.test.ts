import { afterEach, expect, it } from 'vitest';
import { type MemoryCache, memoryCache } from '../../src/memory-cache/memory-cache.ts';
import { eventually } from '../faults/eventually.ts';
import { type Connection, withClient } from '../postgres/connection.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { ensureNotify } from './notify.ts';

const database = testDatabase();
const latin1 = testDatabase({ template: 'template0', encoding: 'LATIN1' });

const open: MemoryCache<string>[] = [];
let errors: Error[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((cache) => cache.close()));
  errors = [];
});

interface Options {
  channels?: string[];
  connection?: Connection;
  maxStaleMs?: number;
}

function made({ channels = ['port_updated'], connection = database.config, ...rest }: Options = {}) {
  const cache = memoryCache<string>({
    connection,
    channels,
    onError: (error) => errors.push(error),
    ...rest,
  });
  open.push(cache);
  return cache;
}

const query = (sql: string, connection: Connection = database.config) =>
  withClient(connection, (client) => client.query(sql));

/** Keeps a value for each name, and resolves when all of them are in memory. */
async function keep(cache: MemoryCache<string>, channel: string, ...names: string[]): Promise<void> {
  await cache.current();
  for (const name of names)
    await cache.get(name, (page) => {
      page.dependsOn(channel, { name });
      return name;
    });
}

async function listeners(): Promise<number> {
  const { rows } = await query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'uncached-memory-cache listener'`,
  );
  return rows.length;
}

it('drops what a trigger with uncached.notify names, the old key and the new one', async () => {
  await withClient(database.config, async (client) => {
    await ensureNotify(client);
    await client.query(`
      CREATE TABLE ports (name text, id int);
      CREATE TRIGGER notify AFTER INSERT OR UPDATE OR DELETE ON ports
        FOR EACH ROW EXECUTE FUNCTION uncached.notify('Port_Updated', 'name');
      INSERT INTO ports VALUES ('a', 1), ('b', 2), ('c', 3)`);
  });
  const cache = made();
  await keep(cache, 'port_updated', 'a', 'b', 'c', 'd');
  await query(`UPDATE ports SET name = 'd' WHERE name = 'a'`);
  await cache.current();
  expect(['a', 'b', 'c', 'd'].map((name) => cache.peek(name))).toEqual([undefined, 'b', 'c', undefined]);
  await query('DELETE FROM ports WHERE id = 2');
  await cache.current();
  expect(['b', 'c'].map((name) => cache.peek(name))).toEqual([undefined, 'c']);
  await query('NOTIFY port_updated');
  await cache.current();
  expect(cache.statistics()).toMatchObject({ entries: 0 });
});

it('drops what a trigger with uncached.enqueue changes, which also enqueues for a daemon', async () => {
  await query(`
    CREATE TABLE articles (name text);
    CREATE TABLE cache_clearing_articles (id bigint GENERATED ALWAYS AS IDENTITY, name text, xid xid8 NOT NULL DEFAULT pg_snapshot_xmin(pg_current_snapshot()));
    CREATE TRIGGER enqueue AFTER INSERT OR UPDATE OR DELETE ON articles
      FOR EACH ROW EXECUTE FUNCTION uncached.enqueue('public.cache_clearing_articles', 'article_updated', 'name')`);
  const cache = made({ channels: ['article_updated'] });
  await keep(cache, 'article_updated', 'a');
  await query(`INSERT INTO articles VALUES ('a')`);
  await cache.current();
  expect(cache.peek('a')).toBeUndefined();
});

it('hears a channel with capitals by its own name and by the folded one', async () => {
  const cache = made({ channels: ['News_Updated'] });
  for (const sql of [
    'NOTIFY News_Updated',
    'NOTIFY "News_Updated"',
    `SELECT pg_notify('news_updated', '')`,
  ]) {
    await keep(cache, 'news_updated', 'a');
    expect(cache.peek('a')).toBe('a');
    await query(sql);
    await cache.current();
    expect(cache.peek('a'), sql).toBeUndefined();
  }
});

it('listens by one connection for all caches of the process, and ends with the last', async () => {
  const [one, other] = [made(), made({ channels: ['news'] })];
  await keep(one, 'port_updated', 'a');
  await keep(other, 'news', 'a');
  expect(await listeners()).toBe(1);
  await query(`NOTIFY news`);
  await Promise.all([one.current(), other.current()]);
  expect([one.peek('a'), other.peek('a')]).toEqual(['a', undefined]);
  await one.close();
  await keep(other, 'news', 'a');
  expect(other.peek('a')).toBe('a');
  // Further channels: it listens again.
  const third = made({ channels: ['daily'] });
  await keep(third, 'daily', 'a');
  await query('NOTIFY daily');
  await third.current();
  expect([third.peek('a'), await listeners()]).toEqual([undefined, 1]);
  await Promise.all([other.close(), third.close()]);
  expect(await listeners()).toBe(0);
  expect(errors).toEqual([]);
});

it('is at once usable where the process listens to its channels already', async () => {
  await keep(made(), 'port_updated', 'a');
  const second = made();
  expect(await second.get('a', () => 'a')).toMatchObject({ outcome: 'stored' });
});

it('is wiped when the listening session was ended, and goes on', async () => {
  const cache = made();
  await keep(cache, 'port_updated', 'a');
  await query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'uncached-memory-cache listener' AND datname = current_database()`,
  );
  await eventually(
    'wiped',
    async () => (cache.statistics().wipes > 1 ? true : undefined),
    async () => JSON.stringify(cache.statistics()),
  );
  expect(cache.peek('a')).toBeUndefined();
  await keep(cache, 'port_updated', 'a');
  expect(cache.peek('a')).toBe('a');
  expect(errors.map(({ message }) => message)).toEqual([
    'Cannot hear of changes: PostgreSQL, or what is in between, closed it. After 5000 ms without them nothing comes from memory, and each call renders until they are heard again',
  ]);
});

it('takes bytes of another encoding for any key', async () => {
  const cache = made({ connection: latin1.config });
  await keep(cache, 'port_updated', 'Ä¡', 'b');
  // In LATIN1 these two are the bytes of "ġ" in UTF-8.
  await query(`SELECT pg_notify('port_updated', '{"name": "Ä¡"}')`, latin1.config);
  await cache.current();
  expect(cache.peek('Ä¡')).toBeUndefined();
  await keep(cache, 'port_updated', 'a', 'b');
  await query(`SELECT pg_notify('port_updated', '{"name": "a"}')`, latin1.config);
  await cache.current();
  expect([cache.peek('a'), cache.peek('b')]).toEqual([undefined, 'b']);
});

it('refuses current() once it is closed', async () => {
  const cache = made();
  const waiting = cache.current();
  const closed = cache.close();
  await expect(waiting).rejects.toThrow('the cache is closed');
  await closed;
  await expect(cache.current()).rejects.toThrow('the cache is closed');
  expect(await cache.get('a', () => 'a')).toMatchObject({ outcome: 'bypassed' });
});
