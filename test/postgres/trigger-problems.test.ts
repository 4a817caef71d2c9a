import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { commitNotices, triggerProblems } from '../../src/postgres/trigger-problems.ts';
import { attach } from '../sql/attach.ts';
import { connect } from '../sql/connect.ts';
import { install } from '../sql/sql-file.ts';
import { connectionOf } from './connection.ts';
import { createDatabase } from './database.ts';
import { launchServer } from './launch.ts';
import { testDatabase } from './test-database.ts';
import { within } from './within.ts';

const args = ['public.cache_clearing_ports', 'port_updated', 'category', 'port'];

describe('triggerProblems()', () => {
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
  beforeEach(() => client.query('CREATE SCHEMA site; CREATE TABLE site.ports (category text, port text)'));
  afterEach(() => client.query('DROP SCHEMA site CASCADE; TRUNCATE cache_clearing_ports'));

  test.each(['row', 'statement'] as const)(
    'is content with what sees every change, for each %s',
    async (level) => {
      await attach(client, level, 'site.ports', args);
      expect(await triggerProblems(pool)).toEqual([]);
    },
  );

  test('names a trigger that would refuse the next change, as it would', async () => {
    await client.query(`
      CREATE TABLE site.queue (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "Prét \\ port" text, k numeric,
        xid xid8 NOT NULL DEFAULT pg_current_xact_id(), CONSTRAINT folds UNIQUE (xid, "Prét \\ port", k))`);
    await attach(client, 'row', 'site.ports', ['site.queue', '', '"Prét \\ port"=port', 'k=category']);
    const told = await triggerProblems(pool);
    const refused = await client
      .query(`INSERT INTO site.ports VALUES ('1', 'x')`)
      .catch((error: { message: string; hint: string }) => `${error.message}. ${error.hint}`);
    expect(told).toEqual([`trigger enqueue on site.ports refuses each change: ${refused}`]);
    expect(refused).toMatch(
      /^Cannot enqueue into site.queue: site.folds takes keys for equal .* TYPE text COLLATE "C";$/,
    );
    await client.query('ALTER TABLE site.queue ALTER COLUMN k TYPE text COLLATE "C"');
    expect(await triggerProblems(pool)).toEqual([]);

    await client.query('ALTER TABLE site.ports RENAME COLUMN port TO name');
    expect(await triggerProblems(pool)).toEqual([
      expect.stringMatching(
        'refuses each change: Cannot enqueue or notify from site.ports: it has no column "port"',
      ),
    ]);
  });

  test('names a trigger that is refused for what it is', async () => {
    const each = (name: string, when: string, given = args) => `
      CREATE TRIGGER ${name} ${when} EXECUTE FUNCTION uncached.enqueue(${given.map((arg) => `'${arg}'`).join(', ')});`;
    await client.query(
      each('a', 'BEFORE INSERT ON site.ports FOR EACH ROW') +
        each('b', 'AFTER DELETE ON site.ports FOR EACH ROW', args.slice(0, 2)) +
        each('c', 'AFTER UPDATE ON site.ports REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT') +
        each('d', 'AFTER TRUNCATE ON site.ports FOR EACH STATEMENT', []),
    );
    const told = await triggerProblems(pool);
    expect(told).toEqual([
      'trigger a on site.ports refuses each change: it is not AFTER: make it AFTER',
      expect.stringMatching(/^trigger b on site.ports refuses each change: it has too few arguments: /),
      expect.stringMatching(
        /^trigger c on site.ports refuses each change: it does not name its transition tables: .* REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows$/,
      ),
    ]);
    for (const change of [`INSERT INTO site.ports VALUES ('a', 'b')`, 'UPDATE site.ports SET port = port'])
      await expect(client.query(change)).rejects.toThrow('Cannot enqueue from trigger');
  });

  test('names a trigger that is disabled, or fires for a replica only', async () => {
    await attach(client, 'row', 'site.ports', args);
    const remedy = 'changes are not seen: ALTER TABLE site.ports ENABLE TRIGGER enqueue';
    await client.query('ALTER TABLE site.ports DISABLE TRIGGER enqueue');
    expect(await triggerProblems(pool)).toEqual([`trigger enqueue on site.ports is disabled: ${remedy}`]);
    await client.query('ALTER TABLE site.ports ENABLE REPLICA TRIGGER enqueue');
    expect(await triggerProblems(pool)).toEqual([
      `trigger enqueue on site.ports fires for replicated changes only: ${remedy}`,
    ]);
    await client.query('ALTER TABLE site.ports ENABLE TRIGGER enqueue');
    expect(await triggerProblems(pool)).toEqual([]);
  });

  test('names the partitions that a trigger for each statement does not cover', async () => {
    await client.query(`
      CREATE TABLE site.parts (category text, port text) PARTITION BY LIST (category);
      CREATE TABLE site.www PARTITION OF site.parts FOR VALUES IN ('www') PARTITION BY LIST (port);
      CREATE TABLE site.www_rest PARTITION OF site.www DEFAULT;
      CREATE TABLE site.rest PARTITION OF site.parts DEFAULT`);
    await attach(client, 'statement', 'site.parts', args);
    expect(await triggerProblems(pool)).toEqual([
      'site.rest, site.www, site.www_rest: a change that names the partition itself is not seen, as the triggers of site.parts ' +
        'are FOR EACH STATEMENT: make them FOR EACH ROW, or attach uncached.enqueue to each as well',
    ]);
    for (const table of ['rest', 'www', 'www_rest']) await attach(client, 'statement', `site.${table}`, args);
    expect(await triggerProblems(pool)).toEqual([]);
    // A change of a partition fires the partition's own trigger. A change of the parent does not fire it too.
    await client.query(
      `INSERT INTO site.rest VALUES ('net', 'one'); INSERT INTO site.parts VALUES ('net', 'two')`,
    );
    const { rows } = await client.query('SELECT port FROM cache_clearing_ports ORDER BY port');
    expect(rows).toEqual([{ port: 'one' }, { port: 'two' }]);
  });

  test('accepts partitions of a table with a trigger for each row', async () => {
    await client.query(`
      CREATE TABLE site.parts (category text, port text) PARTITION BY LIST (category);
      CREATE TABLE site.rest PARTITION OF site.parts DEFAULT`);
    await attach(client, 'row', 'site.parts', args);
    expect(await triggerProblems(pool)).toEqual([]);
  });

  test.each(['row', 'statement'] as const)('names the tables that inherit, for each %s', async (level) => {
    await client.query('CREATE TABLE site.child () INHERITS (site.ports)');
    await attach(client, level, 'site.ports', args);
    expect(await triggerProblems(pool)).toEqual([
      'site.child: a change of its rows is not seen, as the triggers of site.ports are not inherited: ' +
        'attach uncached.enqueue to each as well',
    ]);
    await attach(client, level, 'site.child', args);
    expect(await triggerProblems(pool)).toEqual([]);
  });
});

/** On a server of its own, because `check` reports such a role in every database. */
describe('triggerProblems() where roles have settings of their own', () => {
  test('names the roles and databases whose changes fire no triggers, or commit asynchronously', async () => {
    const server = await launchServer();
    const client = await connect(server);
    const pool = openPool(openHosts([connectionOf(server)]));
    try {
      await install(client);
      await client.query(`
        CREATE TABLE ports (category text, port text);
        CREATE ROLE loader;
        ALTER ROLE loader SET session_replication_role = replica;
        ALTER ROLE loader IN DATABASE postgres SET synchronous_commit = off;
        ALTER DATABASE postgres SET synchronous_commit = off`);
      expect(await triggerProblems(pool)).toEqual([]);
      await attach(client, 'row', 'ports', args);
      expect(await triggerProblems(pool)).toEqual([
        'session_replication_role is replica for role loader: changes made there fire no triggers and are not seen: ' +
          'ALTER ROLE loader RESET session_replication_role, or ENABLE ALWAYS the triggers',
      ]);
      const tail = 'or clear everything by hand after a crash';
      expect(await commitNotices(pool)).toEqual([
        expect.stringMatching(`^synchronous_commit is off for role loader in database postgres: .*${tail}$`),
        expect.stringMatching(`RESET synchronous_commit, ${tail}$`),
      ]);
      await client.query('DROP ROLE loader; ALTER DATABASE postgres RESET synchronous_commit');
      expect(await commitNotices(pool)).toEqual([]);
    } finally {
      await pool.end();
      await client.end();
      await server.stop();
    }
  });
});

describe('triggerProblems() where a subscription brings changes', () => {
  test('names the triggers that do not fire; its remedies help', { timeout: 240_000 }, async () => {
    const server = await launchServer({ settings: { wal_level: 'logical' } });
    const origin = await createDatabase(server, { name: 'origin', template: 'template0' });
    const source = await connect(origin.config);
    const target = await connect(server);
    const pool = openPool(openHosts([connectionOf(server)]));
    const tables =
      'CREATE TABLE by_row (category text, port text); CREATE TABLE by_statement (category text, port text)';
    try {
      await source.query(`${tables}; CREATE PUBLICATION site FOR TABLE by_row, by_statement`);
      await source.query(`SELECT pg_create_logical_replication_slot('site', 'pgoutput')`);
      await install(target);
      await target.query(tables);
      await attach(target, 'row', 'by_row', args);
      await attach(target, 'statement', 'by_statement', args);
      await target.query(`
        CREATE SUBSCRIPTION site CONNECTION 'host=${server.host} port=${server.port} user=${server.user} dbname=origin'
          PUBLICATION site WITH (create_slot = false, slot_name = 'site', copy_data = false)`);

      const row =
        'trigger enqueue on public.by_row does not fire for the changes that a subscription brings: ' +
        'ALTER TABLE public.by_row ENABLE ALWAYS TRIGGER enqueue';
      expect(await triggerProblems(pool)).toEqual([
        row,
        ...['delete', 'insert', 'update'].map((event) =>
          expect.stringMatching(
            `^trigger enqueue_${event} on public.by_statement .*: attach one FOR EACH ROW, and ENABLE ALWAYS it$`,
          ),
        ),
      ]);
      await target.query(row.slice(row.indexOf('ALTER')));
      await target.query('ALTER TABLE by_statement ENABLE ALWAYS TRIGGER enqueue_insert');
      expect(await triggerProblems(pool)).toHaveLength(3);

      await source.query(
        `INSERT INTO by_statement VALUES ('www', 'unseen'); INSERT INTO by_row VALUES ('www', 'seen')`,
      );
      await within(100_000, 'see the entry of a replicated change', async (signal) => {
        while ((await target.query('SELECT FROM cache_clearing_ports')).rowCount === 0)
          signal.throwIfAborted();
      });
      expect((await target.query('SELECT port FROM cache_clearing_ports')).rows).toEqual([{ port: 'seen' }]);
      expect((await target.query('SELECT port FROM by_statement')).rows).toEqual([{ port: 'unseen' }]);
      await target.query('DROP SUBSCRIPTION site');
    } finally {
      await pool.end();
      await source.end();
      await target.end();
      await server.stop();
    }
  });
});
