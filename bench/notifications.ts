import { Client } from 'pg';
import { createDatabase, type Database } from '../test/postgres/database.ts';
import { preciseMs } from './cpu.ts';
import type { Options } from './options.ts';
import { interleaved } from './statistics.ts';
import type { World } from './world.ts';

type Payload = 'with keys' | 'empty';
type Level = 'FOR EACH ROW' | 'FOR EACH STATEMENT';

export interface Notifications {
  readonly rows: number;
  readonly level: Level;
  /** Of each run, with so many rows. */
  readonly transactions: number;
  /** CPU milliseconds of the producer's session. */
  readonly runs: Partial<Record<Payload, number[]>>;
}

interface Producer {
  readonly database: Database;
  readonly client: Client;
  readonly pid: number;
}

/** How many transactions of so many rows. */
const transactions = { 1: 300, 50: 30, 5000: 1 } as const;
const quickTransactions = { 1: 40, 50: 4, 5000: 1 } as const;

/**
 * What a key in a notification costs the producer: the same updates with the trigger function as it is, and with one
 * that always takes the way of keys that cannot be notified, which sends an empty payload.
 */
export async function measureNotifications(
  { server }: World,
  { rounds, quick, say }: Options,
): Promise<Notifications[]> {
  const producers: Record<Payload, Producer> = {
    'with keys': await openProducer(server),
    empty: await openProducer(server),
  };
  await producers.empty.client.query(`
    CREATE OR REPLACE FUNCTION uncached.key_form(source regclass, source_columns name[], queue regclass, queue_columns name[])
    RETURNS text LANGUAGE sql STABLE AS $$ SELECT '-' $$`);
  const all: Notifications[] = [];
  try {
    for (const level of ['FOR EACH ROW', 'FOR EACH STATEMENT'] as const) {
      for (const producer of Object.values(producers)) await attach(producer, level);
      for (const [rows, count] of Object.entries(quick ? quickTransactions : transactions)) {
        say(` ${rows} rows, ${level}`);
        const run = (payload: Payload) => () => update(producers[payload], Number(rows), count);
        const contestants = { 'with keys': run('with keys'), empty: run('empty') };
        for (const contestant of Object.values(contestants)) await contestant();
        all.push({
          rows: Number(rows),
          level,
          transactions: count,
          runs: await interleaved(rounds, contestants, say),
        });
      }
    }
    return all;
  } finally {
    for (const { client, database } of Object.values(producers)) {
      await client.end();
      await database.drop();
    }
  }
}

async function openProducer(server: World['server']): Promise<Producer> {
  const database = await createDatabase(server);
  const client = new Client(database.config);
  await client.connect();
  await client.query(`
    SET synchronous_commit = off;
    CREATE TABLE articles (id int PRIMARY KEY, section text NOT NULL, slug text NOT NULL, version int NOT NULL DEFAULT 0);
    INSERT INTO articles SELECT nth, 'section-' || nth % 60, 'article-' || nth FROM generate_series(1, 5000) AS nth;
    CREATE TABLE cache_clearing_articles (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, section text, slug text,
      xid xid8 NOT NULL DEFAULT pg_current_xact_id(), UNIQUE (xid, section, slug))`);
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return { database, client, pid: rows[0]?.pid ?? 0 };
}

async function attach({ client }: Producer, level: Level): Promise<void> {
  const tables =
    level === 'FOR EACH STATEMENT' ? 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows' : '';
  await client.query(`
    CREATE OR REPLACE TRIGGER enqueue AFTER UPDATE ON articles ${tables} ${level}
    EXECUTE FUNCTION uncached.enqueue('public.cache_clearing_articles', 'article_updated', 'section', 'slug')`);
}

async function update({ client, pid }: Producer, rows: number, count: number): Promise<number> {
  await client.query('TRUNCATE cache_clearing_articles');
  await client.query('VACUUM articles');
  const before = preciseMs(pid);
  for (let nth = 0; nth < count; nth++) {
    const from = (nth * rows) % 5_000;
    await client.query('UPDATE articles SET version = version + 1 WHERE id > $1 AND id <= $2', [
      from,
      from + rows,
    ]);
  }
  return preciseMs(pid) - before;
}
