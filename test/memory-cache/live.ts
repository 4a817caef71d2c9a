import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { type MemoryCache, memoryCache, type Outcome } from '../../src/memory-cache/memory-cache.ts';
import { type Connection, withClient } from '../postgres/connection.ts';
import type { Random } from '../random.ts';
import { ensureNotify } from './notify.ts';

interface LiveOptions {
  /** Of an empty database. */
  readonly connection: Connection;
  readonly ms: number;
  readonly random: Random;
}

export interface LiveFigures {
  transactions: number;
  outcomes: Readonly<Record<Outcome, number>>;
  behindCurrent: number;
  /** How often the listening session was ended. */
  cuts: number;
  quietPoints: number;
  /** Entries that were compared with the database at quiet points. */
  compared: number;
  /** Answers behind current() that were older than what the caller itself had read before. */
  olderAnswers: number;
  /** Entries that were old at a quiet point. */
  oldEntries: number;
  wipes: number;
}

const ports = Array.from({ length: 12 }, (_, nth) => `port${nth}`);
const categories = ['www', 'net', 'mail'];

const schema = `
  CREATE TABLE ports (category text, name text PRIMARY KEY, version int NOT NULL DEFAULT 0);
  INSERT INTO ports SELECT (ARRAY['www', 'net', 'mail'])[1 + nth % 3], 'port' || nth, 0 FROM generate_series(0, 11) AS nth;
  CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON ports
    FOR EACH ROW EXECUTE FUNCTION uncached.notify('port_updated', 'category', 'name')`;

/**
 * Producers change ports in transactions of several rows. Callers ask the cache for ports and for sums over a
 * category, some of them behind current(). Meanwhile the listening session is ended several times a second.
 */
export async function live({ connection, ms, random }: LiveOptions): Promise<LiveFigures> {
  await withClient(connection, async (client) => {
    await ensureNotify(client);
    await client.query(schema);
  });
  const pool = new pg.Pool({ ...connection, max: 12 });
  pool.on('error', () => {});
  const cache = memoryCache<number>({
    connection,
    channels: ['port_updated'],
    max: 10,
    maxStaleMs: 1_000,
    onError: () => {},
  });
  const figures = {
    transactions: 0,
    behindCurrent: 0,
    cuts: 0,
    quietPoints: 0,
    compared: 0,
    olderAnswers: 0,
    oldEntries: 0,
  };
  let isOver = false;

  async function forEver(act: () => Promise<void>): Promise<void> {
    while (!isOver) await act();
  }

  async function change(): Promise<void> {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      for (const name of ports.filter(() => random.chance(0.15)))
        await client.query('UPDATE ports SET version = version + 1 WHERE name = $1', [name]);
      if (random.chance(0.2)) await wait(random.below(8));
      await client.query(random.chance(0.1) ? 'ROLLBACK' : 'COMMIT');
      figures.transactions += 1;
    } finally {
      client.release();
    }
    await wait(random.below(6));
  }

  async function ask(): Promise<void> {
    const name = random.chance(0.3) ? random.pick(categories) : random.pick(ports);
    let least = -1;
    if (random.chance(0.3)) {
      const read = await versionOf(pool, name);
      // During an outage it may fail; then nothing is promised.
      const isCurrent = await cache.current().then(
        () => true,
        () => false,
      );
      if (isCurrent) {
        least = read;
        figures.behindCurrent += 1;
      }
    }
    const { value } = await cache.get(name, async (page) => {
      if (categories.includes(name)) page.dependsOn('port_updated', { category: name });
      const version = await versionOf(pool, name);
      await wait(random.below(10));
      if (!categories.includes(name)) page.dependsOn('port_updated', { name });
      return version;
    });
    if (value < least) figures.olderAnswers += 1;
    if (random.chance(0.3)) await wait(1);
  }

  const parties = [change, change, ask, ask, ask, ask, ask];
  const until = performance.now() + ms;
  let working: Promise<unknown> = Promise.all(parties.map(forEver));
  while (
    performance.now() < until ||
    figures.compared < 20 ||
    figures.behindCurrent < 100 ||
    figures.cuts < 5
  ) {
    await wait(random.between(200, 400));
    if (random.chance(0.7)) {
      figures.cuts += await endListeners(pool);
      continue;
    }
    // A quiet point: nobody works, and everything that was committed has been heard.
    isOver = true;
    await working;
    await currentAtLast(cache);
    for (const name of [...ports, ...categories]) {
      const kept = cache.peek(name);
      if (kept === undefined) continue;
      figures.compared += 1;
      if (kept !== (await versionOf(pool, name))) figures.oldEntries += 1;
    }
    figures.quietPoints += 1;
    isOver = false;
    working = Promise.all(parties.map(forEver));
  }
  isOver = true;
  await working;
  const { outcomes, wipes } = cache.statistics();
  await cache.close();
  await pool.end();
  return { ...figures, outcomes, wipes };
}

/** Of a port, or the sum over a category: it only grows. */
async function versionOf(pool: pg.Pool, name: string): Promise<number> {
  const { rows } = await pool.query<{ version: number }>(
    'SELECT sum(version)::int AS version FROM ports WHERE name = $1 OR category = $1',
    [name],
  );
  return rows[0]?.version ?? -1;
}

async function endListeners(pool: pg.Pool): Promise<number> {
  const { rowCount } = await pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name LIKE '%uncached-memory-cache listener'`,
  );
  return rowCount ?? 0;
}

/** The session may have been ended a moment ago: a failure means that the next attempt is under way. */
async function currentAtLast(cache: MemoryCache<number>): Promise<void> {
  for (let failures = 0; ; failures++) {
    try {
      return await cache.current();
    } catch (error) {
      if (failures === 20) throw error;
    }
  }
}
