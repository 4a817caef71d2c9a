import { Client } from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { unsettled } from '../postgres/unsettled.ts';
import type { RunningDaemon } from '../uncached.ts';
import { client, isEvent, site, start } from './running.ts';
import { database } from './site-and-database.ts';

/*
 * The schedule of test/model/dependents/counterexamples/expanded-in-the-trigger-with-grace.txt, with a real daemon. J will
 * inherit from I, and I from b; two transactions add the edges, and a third one changes the data of b.
 */

let producers: Client[];

beforeEach(async () => {
  producers = [];
  await client.query(`
    DROP TABLE IF EXISTS project, index_base, cache_clearing_indexes;
    DROP FUNCTION IF EXISTS enqueue_index;
    DROP FUNCTION IF EXISTS inheriting;
    DELETE FROM listen_for WHERE name = 'index_updated';
    INSERT INTO listen_for (name, script_name) VALUES ('index_updated', 'indexes');
    CREATE TABLE project (index text PRIMARY KEY, version int NOT NULL);
    CREATE TABLE index_base (index text, base text, PRIMARY KEY (index, base));
    CREATE TABLE cache_clearing_indexes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, index text);
    CREATE FUNCTION inheriting(index text) RETURNS TABLE (index text) LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
      WITH RECURSIVE above AS (
        SELECT $1 AS index UNION SELECT b.index FROM above JOIN index_base AS b ON b.base = above.index
      ) SELECT above.index FROM above $$;
    INSERT INTO project VALUES ('b', 1)`);
});
afterEach(async () => {
  for (const producer of producers) await producer.end();
});

/** Each change enqueues its own key, or what the function returns for it. */
async function makeTriggers(enqueued: string): Promise<void> {
  await client.query(`
    CREATE FUNCTION enqueue_index() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO cache_clearing_indexes (index) ${enqueued};
      NOTIFY index_updated;
      RETURN NULL;
    END $$;
    CREATE TRIGGER enqueue AFTER UPDATE ON project FOR EACH ROW EXECUTE FUNCTION enqueue_index();
    CREATE TRIGGER enqueue AFTER INSERT ON index_base FOR EACH ROW EXECUTE FUNCTION enqueue_index()`);
}

/** A transaction that has changed something, and is open. */
async function changes(sql: string): Promise<Client> {
  const producer = new Client(database.config);
  await producer.connect();
  producers.push(producer);
  await producer.query(`BEGIN; ${sql}`);
  return producer;
}

async function truth(what: string, condition: string): Promise<void> {
  const ask = async () => (await client.query(`SELECT WHERE ${condition}`)).rowCount === 1 || undefined;
  await eventually(what, ask, async () =>
    JSON.stringify((await client.query('SELECT settled_to, cleared_to FROM uncached.consumer')).rows),
  );
}

const cleared = (daemon: RunningDaemon, index: string) =>
  daemon.until(
    `clearing of ${index}`,
    (line) => isEvent('cleared')(line) && JSON.stringify(line).includes(`"${index}"`),
  );

/** The data of b that the page of J shows. */
async function render(): Promise<string> {
  const { rows } = await client.query<{ version: number }>(
    `SELECT version FROM project WHERE index IN (SELECT base FROM index_base WHERE index IN (SELECT base FROM index_base WHERE index = 'J'))`,
  );
  return `version ${rows[0]?.version}`;
}

async function race(handlers: string): Promise<string[]> {
  const daemon = await start({ handlers });
  const upper = await changes(`INSERT INTO index_base VALUES ('J', 'I')`);
  const lower = await changes(`INSERT INTO index_base VALUES ('I', 'b')`);
  await upper.query('COMMIT');
  await cleared(daemon, 'J');
  const { rows } = await client.query<{ now: string }>('SELECT clock_timestamp()::text AS now');
  await truth(
    'look at the open transactions',
    `EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'uncached%' AND query LIKE '%pg_locks%'
             AND state = 'idle' AND datname = current_database() AND query_start > '${rows[0]?.now}')`,
  );
  const data = await changes(`UPDATE project SET version = 2 WHERE index = 'b'`);
  await lower.query('COMMIT');
  await truth(
    'J is settled',
    `(SELECT min(settled_to) FROM uncached.consumer) >= (SELECT max(id) FROM uncached.log WHERE key->>'index' = 'J')`,
  );
  site.write(['indexes/J.html'], await render());
  await data.query('COMMIT');
  await cleared(daemon, 'b');
  await truth(
    'all settled',
    `NOT EXISTS (SELECT FROM ${unsettled}) AND NOT EXISTS (SELECT FROM cache_clearing_indexes)`,
  );
  return site.pages();
}

const handler = (expand: string) => `
[handler.indexes]
queue = cache_clearing_indexes
${expand}
clear[] = indexes/{index}.html`;

it('clears a page whose edges came while the data changed', async () => {
  await makeTriggers('VALUES (NEW.index)');
  expect(await race(handler('expand = inheriting(index)'))).toEqual([]);
});

it('would leave it stale for ever if the trigger asked what depends on the key', async () => {
  await makeTriggers('SELECT * FROM inheriting(NEW.index)');
  expect(await race(handler(''))).toEqual(['indexes/J.html']);
  expect(await render()).toBe('version 2');
});
