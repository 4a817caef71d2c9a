import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { unsettled } from '../postgres/unsettled.ts';
import { client, isEvent, site, start } from './running.ts';
import { database } from './site-and-database.ts';

/** The pages of an index show what its bases have, at any depth. */
const handlers = `
[handler.indexes]
queue = cache_clearing_indexes
expand = inheriting(index)
clear[] = indexes/{index}.html`;

beforeEach(async () => {
  await client.query(`
    DROP TABLE IF EXISTS cache_clearing_indexes, index_base, project;
    DROP FUNCTION IF EXISTS inheriting(text);
    CREATE TABLE project (index text PRIMARY KEY, version int NOT NULL);
    CREATE TABLE index_base (index text, base text, PRIMARY KEY (index, base));
    CREATE INDEX ON index_base (base);
    CREATE FUNCTION inheriting(index text) RETURNS TABLE (index text) LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
      WITH RECURSIVE above AS (
        SELECT $1 AS index UNION SELECT b.index FROM above JOIN index_base AS b ON b.base = above.index
      ) SELECT above.index FROM above $$;
    CREATE TABLE cache_clearing_indexes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, index text);
    DELETE FROM listen_for WHERE name = 'index_updated';
    INSERT INTO listen_for (name, script_name) VALUES ('index_updated', 'indexes');
    INSERT INTO project VALUES ('base', 1);
    INSERT INTO index_base VALUES ('i', 'base'), ('j', 'i')`);
});

const enqueue = (index: string) =>
  client.query(`INSERT INTO cache_clearing_indexes (index) VALUES ('${index}'); NOTIFY index_updated`);
const page = (index: string) => `indexes/${index}.html`;
const without = (...indexes: string[]) =>
  eventually(
    `no ${indexes}`,
    async () => !site.pages().some((path) => indexes.map(page).includes(path)) || undefined,
    async () => site.pages().join(),
  );
const settled = () =>
  eventually(
    'all settled',
    async () => (await client.query(`SELECT FROM ${unsettled}`)).rowCount === 0 || undefined,
    async () => '',
  );

describe('a handler with expand', () => {
  it('clears the key and what depends on it, and has one row in the log', async () => {
    const daemon = await start({ handlers });
    site.write(['base', 'i', 'j', 'other'].map(page));
    await enqueue('base');
    expect(await daemon.until('clearing', isEvent('cleared'))).toMatchObject({
      entries: 1,
      keys: 1,
      files: 3,
    });
    await settled();
    expect(site.pages()).toEqual([page('other')]);
    const { rows } = await client.query(`SELECT handler, key FROM uncached.log`);
    expect(rows).toEqual([{ handler: 'indexes', key: { index: 'base' } }]);
  });

  it('asks again when it settles: what depends on the key since then is cleared', async () => {
    const daemon = await start({ handlers, settle: '2s' });
    site.write([page('base')]);
    await enqueue('base');
    await daemon.until('clearing', isEvent('cleared'));
    // Its page is written by a writer that read before the entry of the edge, which is not what this is about.
    await client.query(`INSERT INTO index_base VALUES ('late', 'j')`);
    site.write([page('late')]);
    await daemon.until('second clearing', isEvent('settled'));
    await without('late');
  });

  it('asks again for a row that failed, and clears the others meanwhile', async () => {
    const body = `CREATE OR REPLACE FUNCTION inheriting(changed text) RETURNS TABLE (index text) LANGUAGE plpgsql STABLE AS $$
      BEGIN IF $1 = 'base' THEN RAISE 'the graph is broken'; END IF; RETURN QUERY SELECT $1 || '-above'; END $$`;
    await client.query(`DROP FUNCTION inheriting(text); ${body}`);
    const daemon = await start({ handlers });
    site.write(['base', 'base-above', 'fine', 'fine-above'].map(page));
    await client.query(
      `INSERT INTO cache_clearing_indexes (index) VALUES ('base'), ('fine'); NOTIFY index_updated`,
    );
    const failed = await daemon.until('failure', isEvent('rows-failed'));
    expect(failed.errors).toEqual(['expand = inheriting(index): the graph is broken']);
    await without('fine', 'fine-above', 'base');
    expect(site.pages()).toEqual([page('base-above')]);
    await client.query(body.replace("$1 = 'base'", 'false'));
    await without('base-above');
    await settled();
    const { rows } = await client.query('SELECT FROM uncached.failing');
    expect(rows).toEqual([]);
  });

  it('clears everything instead of over 100,000 dependents, and says so', async () => {
    await client.query(`CREATE OR REPLACE FUNCTION inheriting(index text) RETURNS TABLE (index text) LANGUAGE sql STABLE AS $$
      SELECT 'page-of-' || $1 || i FROM generate_series(1, 1000000) AS i $$`);
    const daemon = await start({ handlers });
    site.write(['base', 'whatever'].map(page));
    await enqueue('base');
    const notice = await daemon.until('notice', isEvent('notice'));
    expect(notice.msg).toContain(
      'over 100000 keys depend on {"index":"base"}: everything that its lines can name is cleared',
    );
    await without('base', 'whatever');
    await settled();
    expect(daemon.log.filter(isEvent('rows-failed'))).toEqual([]);
  });

  describe('while the answer does not come', () => {
    const asking = `FROM pg_stat_activity WHERE application_name LIKE 'uncached%' AND datname = current_database()
      AND wait_event_type = 'Lock' AND query LIKE '%inheriting%'`;
    const asked = () =>
      eventually(
        'asked',
        async () => (await client.query(`SELECT ${asking}`)).rowCount || undefined,
        async () => '',
      );

    let locking: Client;

    beforeEach(async () => {
      locking = new Client(database.config);
      await locking.connect();
      await locking.query('BEGIN; LOCK TABLE index_base');
    });
    afterEach(() => locking.end());

    it('and its session ends, clears nothing, waits, and has no failing row', async () => {
      const daemon = await start({ handlers });
      site.write(['base', 'i', 'j'].map(page));
      await enqueue('base');
      await asked();
      await client.query(`SELECT pg_terminate_backend(pid) ${asking}`);
      await asked();
      expect(site.pages()).toHaveLength(3);
      await locking.query('ROLLBACK');
      await without('base', 'i', 'j');
      await settled();
      expect(daemon.log.filter(isEvent('rows-failed'))).toEqual([]);
    });

    it('and the daemon is stopped, leaves the row to the next one', async () => {
      const daemon = await start({ handlers });
      site.write(['base', 'i', 'j'].map(page));
      await enqueue('base');
      await asked();
      expect(await daemon.stop()).toBe(0);
      await locking.query('ROLLBACK');
      await start({ handlers });
      await without('base', 'i', 'j');
      await settled();
    });
  });

  it('clears a row as soon as the function that is missing has been made', async () => {
    await client.query('DROP FUNCTION inheriting(text)');
    const daemon = await start({ handlers });
    site.write(['base', 'i'].map(page));
    await enqueue('base');
    const { errors } = await daemon.until('failure', isEvent('rows-failed'));
    expect(errors).toEqual(['expand = inheriting(index): there is no such function']);
    await client.query(
      `CREATE FUNCTION inheriting(index text) RETURNS TABLE (index text) LANGUAGE sql STABLE AS $$ SELECT 'i' $$`,
    );
    await without('base', 'i');
  });
});
