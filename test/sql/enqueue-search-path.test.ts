import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type LaunchedServer, launchServer } from '../postgres/launch.ts';
import { versions } from '../postgres/versions.ts';
import { attach, attachNotify, levels } from './attach.ts';
import { connect } from './connect.ts';
import { setTraps, trapped } from './hostile.ts';
import { install, readSqlFile } from './sql-file.ts';

const newest = { title: 'PostgreSQL of this run', binaries: undefined, missing: false };
const older = versions().map(({ title, binaries }) => ({ title, binaries, missing: binaries === undefined }));

/**
 * The user who changes a table may have any search_path. It may be a superuser, or another user in a SECURITY
 * DEFINER function. Anything that our triggers looked up in that path would run with those rights.
 */
describe.each([...older, newest])('the triggers of sql/, on $title', ({ binaries, missing }) => {
  let server: LaunchedServer | undefined;
  let client: Client;
  let text: string;

  beforeAll(async () => {
    if (missing) return;
    const parts = ['3-assert.sql', '4-notify.sql', '5-enqueue.sql', '6-enqueue_key.sql'];
    text = (await Promise.all(parts.map(readSqlFile))).join('');
    server = await launchServer(binaries === undefined ? {} : { binaries });
    client = await connect(server);
    await client.query('CREATE ROLE attacker; CREATE SCHEMA hostile AUTHORIZATION attacker');
    await install(client);
    await client.query('CREATE TABLE free (category text, port text)');
    for (const level of levels) {
      await client.query(`CREATE TABLE ${level}_folding (category text, port text)`);
      await attach(client, level, `${level}_folding`, [
        'cache_clearing_ports',
        'changed',
        'category',
        'port',
      ]);
      await client.query(`CREATE TABLE ${level}_free (category text, port text)`);
      await attach(client, level, `${level}_free`, ['free', 'changed', 'category', 'port']);
      await client.query(`CREATE TABLE ${level}_notify (category text, port text)`);
      await attachNotify(client, level, `${level}_notify`, ['changed', 'category', 'port']);
    }
    await setTraps(client, 'hostile', 'attacker', text);
  }, 120_000);
  beforeEach(async () => {
    if (missing) return;
    await client.query('RESET ALL; DISCARD TEMP; TRUNCATE cache_clearing_ports, free');
  });
  afterAll(async () => {
    if (server === undefined) return;
    await client.end();
    await server.stop();
  });

  const call = (queue: string, port: string) =>
    `SELECT uncached.enqueue_key('public.${queue}', 'changed', '{"category": "www", "port": "${port}"}')`;
  const change = (table: string) =>
    attempt(`
        INSERT INTO public.${table} VALUES ('www', 'nginx'), ('www', pg_catalog.repeat('x', 3000));
        UPDATE public.${table} SET port = 'varnish' WHERE ctid OPERATOR(pg_catalog.=) '(0,1)';
        DELETE FROM public.${table};
        INSERT INTO public.listen_for (name, script_name) VALUES ('other', 'other')`);
  const callBoth = () =>
    attempt(
      ['cache_clearing_ports', 'free']
        .flatMap((queue) => [call(queue, 'nginx'), call(queue, 'x'.repeat(3000))])
        .join(';'),
    );

  async function attempt(statements: string): Promise<string> {
    try {
      await client.query(statements);
      return 'done';
    } catch (error) {
      return String(error);
    } finally {
      await client.query(
        'ROLLBACK; RESET search_path; TRUNCATE row_folding, row_free, row_notify, statement_folding, statement_free, statement_notify',
      );
      await client.query(`DELETE FROM listen_for WHERE name = 'other'`);
    }
  }
  const everyTable = levels.flatMap((level) => [`${level}_folding`, `${level}_free`, `${level}_notify`]);

  test.skipIf(missing).each(everyTable)('on %s look nothing up in the path', async (table) => {
    await client.query('SET search_path = hostile, public, pg_catalog');
    expect(await change(table)).toBe('done');
    if (table.endsWith('notify')) return;
    const { rows } = await client.query(
      `SELECT DISTINCT port FROM ${table.endsWith('free') ? 'free' : 'cache_clearing_ports'} WHERE length(port) < 9 ORDER BY port`,
    );
    expect(rows).toEqual([{ port: 'nginx' }, { port: 'varnish' }]);
  });

  test.skipIf(missing)('uncached.enqueue_key() looks nothing up in the path', async () => {
    for (const path of ['hostile, public, pg_catalog', 'hostile, public']) {
      await client.query(`SET search_path = ${path}`);
      expect(await callBoth()).toBe('done');
    }
    const { rows } = await client.query(
      'SELECT port, count(*)::int FROM cache_clearing_ports GROUP BY port ORDER BY port',
    );
    expect(rows).toEqual([
      { port: 'nginx', count: 2 },
      { port: null, count: 2 },
    ]);
  });

  test.skipIf(missing)('the traps are where an unqualified name leads', async () => {
    const unqualified = text
      .replaceAll(/OPERATOR\(pg_catalog\.([^)]+)\)/g, '$1')
      .replaceAll(/pg_catalog\.(?!pg_notify)/g, '')
      .replaceAll(
        'SET LOCAL search_path = pg_catalog, pg_temp',
        'SET LOCAL search_path = pg_catalog, public',
      );
    for (const path of ['hostile, public, pg_catalog', 'hostile, public']) {
      await client.query(unqualified);
      await client.query(`SET search_path = ${path}`);
      expect(await change('row_folding')).toMatch(trapped);
      await client.query(`SET search_path = ${path}`);
      expect(await change('row_notify')).toMatch(trapped);
      await client.query(`SET search_path = ${path}`);
      expect(await callBoth()).toMatch(trapped);
      await client.query(text);
    }
  });

  test.skipIf(missing).each(everyTable)('on %s look nothing up among the temporary tables', async (table) => {
    await client.query(`
      CREATE FUNCTION pg_temp.trap() RETURNS boolean LANGUAGE plpgsql STABLE AS $$BEGIN RAISE 'trapped by a view'; END$$`);
    for (const view of [
      'pg_trigger',
      'pg_class',
      'pg_index',
      'pg_constraint',
      'pg_attrdef',
      'old_rows',
      'new_rows',
    ])
      await client.query(`
        CREATE VIEW pg_temp.${view} AS
          SELECT * FROM ${view.endsWith('rows') ? 'public.free' : `pg_catalog.${view}`} WHERE pg_temp.trap()`);
    await client.query('CREATE TEMP TABLE key (category text, port text)');
    await client.query(`SET search_path = pg_temp, public`);
    expect(await change(table)).toBe('done');
  });

  test.skipIf(missing)('find the queue table by the path, where it is named without its schema', async () => {
    await client.query(`
      CREATE SCHEMA other;
      CREATE TABLE other.free (category text, port text);
      SET search_path = other, public`);
    expect(await change('row_free')).toBe('done');
    expect((await client.query('SELECT FROM other.free')).rowCount).toBeGreaterThan(0);
    await client.query('DROP SCHEMA other CASCADE');
  });
});
