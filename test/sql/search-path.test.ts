import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { installSql, logSql, uninstallSql } from '../../src/postgres/sql-files.ts';
import { withClient } from '../postgres/connection.ts';
import { createDatabase, type Database } from '../postgres/database.ts';
import { type LaunchedServer, launchServer } from '../postgres/launch.ts';
import { versions } from '../postgres/versions.ts';
import { connect } from './connect.ts';
import { setTraps, trapped } from './hostile.ts';
import { version01 } from './version-0.1.ts';

const newest = { title: 'PostgreSQL of this run', binaries: undefined, missing: false };
const older = versions().map(({ title, binaries }) => ({ title, binaries, missing: binaries === undefined }));

const scripts = [
  { name: 'schema --freshports', text: () => installSql({ freshports: true }) },
  { name: 'schema --journal-only', text: logSql },
  { name: 'schema --uninstall', text: uninstallSql },
];

/**
 * pg_catalog is searched first unless the path names it. If the path names it later, every name can be
 * replaced, not only those that match better.
 */
const usual = '"$user", public';
const paths = [usual, 'public, pg_catalog'];

const withoutFixedPath = (script: string) =>
  script.replaceAll('SET LOCAL search_path = pg_catalog, pg_temp;', '');

/**
 * An administrator runs the printed script where every role may create in public, as in a database upgraded
 * from PostgreSQL 14.
 */
describe.each([...older, newest])('what is printed, on $title', ({ binaries, missing }) => {
  let server: LaunchedServer | undefined;
  let database: Database | undefined;
  let client: Client;

  beforeAll(async () => {
    if (missing) return;
    server = await launchServer(binaries === undefined ? {} : { binaries });
  });
  beforeEach(async () => {
    if (server === undefined) return;
    database = await createDatabase(server, { template: 'template0' });
    client = await connect(database.config);
    await client.query('CREATE ROLE attacker; GRANT CREATE ON SCHEMA public TO PUBLIC');
  });
  afterEach(async () => {
    if (server === undefined) return;
    await client.end();
    await database?.drop();
    await withClient(server, (admin) => admin.query('DROP ROLE IF EXISTS attacker, uncached'));
  });
  afterAll(async () => {
    await server?.stop();
  });

  /** Runs `script` with this search_path, and removes all its effects. */
  async function run(script: string, path: string): Promise<string> {
    try {
      await client.query(`SET search_path = ${path}`);
      await client.query(script);
      return 'done';
    } catch (error) {
      return String(error);
    } finally {
      await client.query('ROLLBACK; RESET search_path');
    }
  }

  async function install() {
    await client.query(installSql({ freshports: true }));
    await client.query(`
      CREATE TABLE articles (category text, port text);
      CREATE TRIGGER enqueue AFTER INSERT ON articles FOR EACH ROW
        EXECUTE FUNCTION uncached.enqueue('public.cache_clearing_ports', 'port_updated', 'category', 'port')`);
  }
  describe.each(scripts)('$name', ({ name, text }) => {
    const installed = name.includes('uninstall');

    test.skipIf(missing).each(paths)('looks nothing up in public, with the path %s', async (path) => {
      if (installed) await install();
      await setTraps(client, 'public', 'attacker', text());
      // The log's part uses no name that could be matched better. Where public comes first, the trap
      // needs no better match.
      if (name !== 'schema --journal-only' || path !== usual)
        expect(await run(withoutFixedPath(text()), path)).toMatch(trapped);
      expect(await run(text(), path)).toBe('done');
    });

    test.skipIf(missing || installed)(
      'looks nothing up while it moves the journal of version 0.1',
      async () => {
        await client.query(version01);
        await client.query(`
        INSERT INTO uncached.journal (handler, key) VALUES ('h', '{}');
        INSERT INTO uncached.root VALUES ('m', '/', 'a', '', '/', '{}', '{}', '{}', true)`);
        await setTraps(client, 'public', 'attacker', text());
        for (const path of paths) expect(await run(text(), path)).toBe('done');
        expect(await run(withoutFixedPath(text()), 'public, pg_catalog')).toMatch(trapped);
      },
    );

    test.skipIf(missing)('looks nothing up among the temporary tables', async () => {
      if (installed) await install();
      await client.query(`
        CREATE FUNCTION pg_temp.trap() RETURNS boolean LANGUAGE plpgsql STABLE AS $$BEGIN RAISE 'trapped by a view'; END$$`);
      for (const view of ['pg_roles', 'pg_namespace', 'pg_trigger', 'pg_class', 'pg_shdepend'])
        await client.query(
          `CREATE VIEW pg_temp.${view} AS SELECT * FROM pg_catalog.${view} WHERE pg_temp.trap()`,
        );
      expect(await run(withoutFixedPath(text()), 'public')).toMatch(trapped);
      expect(await run(text(), 'public')).toBe('done');
    });
  });

  test.skipIf(missing)('makes nobody superuser by a function that matches better', async () => {
    await client.query(`
      SET ROLE attacker;
      CREATE FUNCTION public.seize() RETURNS void LANGUAGE plpgsql AS $$
      BEGIN
        IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN ALTER ROLE attacker SUPERUSER; END IF;
      END$$;
      CREATE FUNCTION public.unnest(text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
      BEGIN PERFORM public.seize(); RETURN QUERY SELECT * FROM pg_catalog.unnest($1); END$$;
      RESET ROLE`);
    const seized = async () =>
      (await client.query(`SELECT rolsuper FROM pg_roles WHERE rolname = 'attacker'`)).rows[0].rolsuper;

    for (const { text } of scripts) expect(await run(text(), '"$user", public')).toBe('done');
    expect(await seized()).toBe(false);
    expect(await run(withoutFixedPath(installSql({ freshports: true })), usual)).toBe('done');
    expect(await seized()).toBe(true);
  });

  test.skipIf(missing)('runs nothing of a listen_for that somebody else has made', async () => {
    await client.query(`
      SET ROLE attacker;
      CREATE TABLE public.listen_for (id serial, name text, script_name text);
      CREATE FUNCTION public.trap() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'trapped by a trigger'; END$$;
      CREATE TRIGGER trap BEFORE INSERT ON public.listen_for EXECUTE FUNCTION public.trap();
      RESET ROLE`);
    expect(await run(installSql(), 'public')).toBe('done');
    expect(await run(installSql({ freshports: true }), 'public')).toBe('done');
    expect((await client.query('TABLE cache_clearing_ports')).rows).toEqual([]);
    expect((await client.query('TABLE listen_for')).rows).toEqual([]);
  });

  test.skipIf(missing)('does not go into a schema that somebody else has made', async () => {
    await client.query(`
      GRANT CREATE ON DATABASE ${database?.name} TO attacker;
      SET ROLE attacker;
      CREATE SCHEMA uncached;
      CREATE VIEW uncached.log AS SELECT 1 AS id;
      RESET ROLE`);
    for (const { text } of scripts) {
      expect(await run(text(), 'public')).toMatch('role attacker, which is neither postgres nor a superuser');
    }
  });

  test.skipIf(missing)('goes where the path leads, and leaves what is there', async () => {
    await client.query('CREATE SCHEMA site; CREATE TABLE site.cache_clearing_ports (category text)');
    expect(await run(installSql({ freshports: true }), 'missing, site, public')).toBe('done');
    const { rows } = await client.query(`
      SELECT relname, has_table_privilege('uncached', oid, 'SELECT, DELETE') AS granted FROM pg_class
       WHERE relnamespace = 'site'::regnamespace AND relkind = 'r' ORDER BY relname`);
    expect(rows).toEqual(
      [
        'cache_clearing_commits',
        'cache_clearing_dates',
        'cache_clearing_files',
        'cache_clearing_ports',
        'listen_for',
      ].map((relname) => ({ relname, granted: true })),
    );
    expect((await client.query('SELECT * FROM site.cache_clearing_ports')).fields).toHaveLength(1);
    expect(await run(installSql(), 'missing')).toMatch('your search_path names no schema that you may use');
  });
});

describe.each(scripts)('$name', ({ text }) => {
  const script = text().replaceAll(/--.*|'(?:[^']|'')*'|(?:MESSAGE|HINT) +=/g, '');

  test('is one transaction: what the beginning refuses, psql without ON_ERROR_STOP does not do either', () => {
    expect(script.match(/\b(?:BEGIN|COMMIT|ROLLBACK);/g)).toEqual(['BEGIN;', 'COMMIT;']);
  });

  test('looks nothing up before it has fixed the path', () => {
    const [, before, after] =
      /^\s*BEGIN;([\s\S]*?)SET LOCAL search_path = pg_catalog, pg_temp;([\s\S]*)COMMIT;\s*$/.exec(script) ??
      [];
    expect(after).toBeDefined();
    expect(before?.match(/(?<![.\w])[a-z]\w*(?=\()|(?<=::)(?!pg_catalog\.)\w+|[=<>|+~]/g) ?? []).toEqual([]);
  });
});
