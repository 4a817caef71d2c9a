import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { inspectProducers } from '../../src/postgres/producers.ts';
import { findQueueTable } from '../../src/postgres/queue-table.ts';
import { servedTables } from '../../src/postgres/served-tables.ts';
import { attach, attachNotify } from '../sql/attach.ts';
import { connect } from '../sql/connect.ts';
import { connectionOf } from './connection.ts';
import { testDatabase } from './test-database.ts';

describe('inspectProducers()', () => {
  const database = testDatabase();
  let client: Client;
  let pool: Pool;

  beforeAll(async () => {
    client = await connect(database.config);
    pool = openPool(openHosts([connectionOf(database.config)]));
  });
  afterAll(async () => {
    await pool.end();
    await client.end();
  });
  beforeEach(() =>
    client.query(`
      CREATE SCHEMA site;
      CREATE TABLE site.articles (slug text, body text);
      CREATE TABLE site."Queue" (id bigint, slug text) PARTITION BY RANGE (id);
      CREATE TABLE site.recent PARTITION OF site."Queue" DEFAULT`),
  );
  afterEach(() => client.query('DROP SCHEMA site CASCADE'));

  const listened = [
    { channel: 'changed', also: 'Changed', handler: 'articles' },
    { channel: 'news', handler: 'news' },
    { channel: 'renamed', handler: `it's old` },
  ];
  const isConfigured = (handler: string) => ['articles', 'news'].includes(handler);
  /** For one handler, `articles`, with the queue site."Queue" and the channel `changed`. */
  async function inspect(channels: readonly string[] | null = ['changed', 'Changed']) {
    const table = await findQueueTable(pool, 'site.Queue');
    const served = await servedTables(pool, [
      { handler: 'articles', columns: ['slug'], channels: channels ?? undefined, table },
    ]);
    return inspectProducers(pool, served, channels === null ? undefined : listened, isConfigured);
  }
  const content = { problems: [], notices: [] };

  /** A trigger that the user wrote. */
  const write = (body: string, name = 'tell') =>
    client.query(`
      CREATE FUNCTION site.${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body}; RETURN NULL; END $$;
      CREATE TRIGGER ${name} AFTER INSERT ON site.articles FOR EACH ROW EXECUTE FUNCTION site.${name}()`);
  const insert = 'INSERT INTO site."Queue" (slug) VALUES (NEW.slug)';

  test.each([
    ['the table and the channel', ['site."Queue"', 'changed']],
    ['a partition of it, and no channel', ['site.recent', '']],
    ['a table without its schema, and another spelling of the channel', ['"Queue"', 'CHANGED']],
  ])('is content with %s', async (_what, [queue = '', channel = '']) => {
    await attach(client, 'statement', 'site.articles', [queue, channel, 'slug']);
    expect(await inspect()).toEqual(content);
  });

  test.each<[string, string]>([
    ['which notifies', `${insert}; NOTIFY changed`],
    ['which notifies with quotes', `${insert}; PERFORM pg_notify('Changed', '')`],
    ['which does not', insert],
    ['which notifies what cannot be known', `${insert}; EXECUTE 'NOTIFY ' || quote_ident(TG_NAME)`],
    ['which notifies others, too', `${insert}; NOTIFY other; NOTIFY changed`],
    ['which only notifies', `NOTIFY changed; PERFORM 'Queue'`],
    ['which has its statements put together', `EXECUTE format('INSERT INTO site.%I VALUES (1)', 'Queue')`],
  ])('is content with a trigger that somebody has written, %s', async (_what, body) => {
    await write(body);
    expect(await inspect()).toEqual(content);
  });

  test('a trigger of uncached.notify() fills nothing, whatever its column is called, but may wake the handler', async () => {
    await client.query('ALTER TABLE site.articles ADD "Queue" text');
    await attachNotify(client, 'row', 'site.articles', ['Changed', '"Queue"']);
    expect((await inspect()).notices).toEqual([expect.stringMatching(/^no trigger fills site."Queue"/)]);
    await write(`${insert}; NOTIFY other`);
    expect(await inspect()).toEqual(content);
    await client.query('ALTER TABLE site.articles DISABLE TRIGGER "notify"');
    await client.query('ALTER TABLE site.articles DISABLE TRIGGER notify_truncate');
    expect((await inspect()).notices).toEqual([
      expect.stringContaining('its function site.tell seems to notify the wrong channel'),
    ]);
  });

  test('sees through a function that another calls, and what is an argument', async () => {
    await client.query(`
      CREATE FUNCTION site.enqueue(slug text) RETURNS void LANGUAGE sql AS 'INSERT INTO site."Queue" (slug) VALUES ($1)'`);
    await write('PERFORM site.enqueue(NEW.slug); NOTIFY chnged');
    expect(await inspect()).toEqual({
      problems: [],
      notices: [
        'trigger tell on site.articles: its function site.tell seems to notify the wrong channel: it inserts into site."Queue" ' +
          'and notifies chnged, and listen_for has changed, Changed for [handler.articles]: entries wait for the next sweep',
      ],
    });
    // Another trigger of the table may send the notification, and listen_for may be unreadable.
    expect(await inspect(null)).toEqual(content);
    await write('NOTIFY changed', 'wake');
    expect(await inspect()).toEqual(content);
  });

  test('a table of another kind, or of another trigger, is not taken for a queue in the wrong place', async () => {
    await client.query(
      'CREATE TABLE site.log (at timestamptz); CREATE TABLE site.history (slug text, body text)',
    );
    await write('INSERT INTO site.log VALUES (now()); NOTIFY changed', 'log');
    expect((await inspect()).notices).toEqual([expect.stringMatching(/^no trigger fills site."Queue", /)]);
    await write('INSERT INTO site.history VALUES (NEW.slug); NOTIFY changed', 'history');
    expect((await inspect()).notices).toEqual([
      expect.stringMatching(/^no trigger fills site."Queue", /),
      'trigger history on site.articles: its function site.history seems to fill the wrong table: it inserts into site.history ' +
        'and wakes [handler.articles], whose queue is site."Queue"',
    ]);
    await write(insert, 'fill');
    expect(await inspect()).toEqual(content);
  });

  test('the trigger that it asks for is content with it; so is a rule', async () => {
    const { notices } = await inspect();
    expect(notices).toEqual([
      `no trigger fills site."Queue", and no function mentions it: unless programs insert there themselves, nothing is ever cleared: attach one, such as ` +
        `CREATE TRIGGER clear_cache AFTER INSERT OR UPDATE OR DELETE ON … FOR EACH ROW EXECUTE FUNCTION uncached.enqueue('site."Queue"', 'changed', 'slug')`,
    ]);
    const statement = /CREATE TRIGGER.*/.exec(notices[0] ?? '')?.[0] ?? '';
    await client.query(statement.replace('…', 'site.articles'));
    expect(await inspect()).toEqual(content);

    await client.query('DROP TRIGGER clear_cache ON site.articles');
    await client.query(
      'CREATE RULE tell AS ON INSERT TO site.articles DO ALSO INSERT INTO site."Queue" (slug) VALUES (NEW.slug)',
    );
    expect(await inspect()).toEqual(content);
  });

  test('names what a channel wakes instead, and handlers that nothing wakes', async () => {
    await attach(client, 'row', 'site.articles', ['site."Queue"', 'news', 'slug']);
    expect((await inspect()).problems).toEqual([
      expect.stringMatching(
        / notifies the channel "news", which wakes \[handler.news\]: .* name the channel changed in the trigger$/,
      ),
    ]);
    await attach(client, 'row', 'site."Queue"', ['site."Queue"', 'renamed', 'slug']);
    expect((await inspect([])).problems[0]).toMatch(
      / which wakes \[handler.it's old\], which is not configured: .* sweep: UPDATE listen_for SET script_name = 'articles' WHERE script_name = 'it''s old'$/,
    );
    await client.query('DROP TRIGGER enqueue ON site."Queue"');
    // One row of listen_for has the channel. No other row can have it.
    expect((await inspect([])).problems).toEqual([
      expect.stringMatching(
        /next sweep: INSERT INTO listen_for \(name, script_name\) VALUES \('CHANNEL', 'articles'\), and name that in the trigger$/,
      ),
    ]);
    await client.query('DROP TRIGGER enqueue ON site.articles');
    await attach(client, 'row', 'site.articles', ['site."Queue"', `it's`, 'slug']);
    const [told = ''] = (await inspect()).problems;
    await client.query(/INSERT INTO listen_for .*/.exec(told)?.[0] ?? '');
    const { rows } = await client.query(
      `DELETE FROM listen_for WHERE script_name = 'articles' RETURNING name`,
    );
    expect(rows).toEqual([{ name: `it's` }]);
  });

  test('of two handlers with one queue, the channel of either will do', async () => {
    await attach(client, 'row', 'site.articles', ['site."Queue"', 'news', 'slug']);
    const table = await findQueueTable(pool, 'site.Queue');
    const served = await servedTables(pool, [
      { handler: 'articles', columns: ['slug'], channels: ['changed'], table },
      { handler: 'news', columns: ['slug'], channels: ['news'], table },
    ]);
    expect(await inspectProducers(pool, served, listened, isConfigured)).toEqual(content);
  });

  test('suggests the table that is meant, with its schema or without', async () => {
    await client.query('CREATE TABLE site.more (slug text)');
    await attach(client, 'row', 'site.articles', ['site.queues', 'changed', 'slug']);
    await attach(client, 'row', 'site.more', ['recents', 'changed', 'slug']);
    expect((await inspect()).problems).toEqual([
      expect.stringMatching(/ add a handler with this one, did you mean "site."Queue""\?$/),
      expect.stringMatching(/ add a handler with this one, did you mean "recent"\?$/),
    ]);
  });

  test('UPDATE OF is enough where each column of the key is in that of some trigger', async () => {
    const trigger = (name: string, of: string) =>
      client.query(`
        CREATE TRIGGER ${name} AFTER UPDATE OF ${of} ON site.articles FOR EACH ROW
          EXECUTE FUNCTION uncached.enqueue('site."Queue"', 'changed', 'slug=slug', 'id')`);
    await client.query('ALTER TABLE site.articles ADD id bigint');
    await trigger('one', 'slug');
    expect((await inspect()).problems).toEqual([
      'trigger one on site.articles fires for UPDATE OF slug, and not for a change of id, which is in the key: name it there, too, or leave OF away',
    ]);
    await trigger('two', 'id, body');
    expect(await inspect()).toEqual(content);

    // A generated column changes with its source columns, and such a change fires a trigger for any of them.
    await client.query(`
      DROP TRIGGER one ON site.articles; DROP TRIGGER two ON site.articles; ALTER TABLE site.articles DROP slug;
      ALTER TABLE site.articles ADD slug text GENERATED ALWAYS AS (body || id) STORED`);
    await trigger('three', 'id');
    expect((await inspect()).problems).toEqual([
      expect.stringMatching('fires for UPDATE OF id, and not for a change of slug, which is in the key'),
    ]);
    await trigger('four', 'body, id');
    expect(await inspect()).toEqual(content);
  });
});
