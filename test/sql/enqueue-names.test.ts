import { beforeEach, describe, expect, test } from 'vitest';
import { attach, levels } from './attach.ts';
import { attachPorts, client, queue } from './enqueue.ts';

describe.each(levels)('uncached.enqueue() for each %s', (level) => {
  beforeEach(() => attachPorts(level));

  test('takes names as SQL does: quoted, with capitals, dots, quotes and equals signs, or folded', async () => {
    await client.query(`
      DROP SCHEMA IF EXISTS "Odd.Schema" CASCADE;
      CREATE SCHEMA "Odd.Schema";
      CREATE TABLE "Odd.Schema"."Queue ""of"" = All" (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        "Cat.Egory" text,
        "a=""b""" text,
        plain text,
        xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
        UNIQUE (xid, "Cat.Egory", "a=""b""", plain)
      );
      CREATE TABLE "Odd.Schema"."Source" ("Cat.Egory" text, "No; DROP" text, plain text)`);
    await attach(client, level, '"Odd.Schema"."Source"', [
      '"Odd.Schema"."Queue ""of"" = All"',
      'port_updated',
      '"Cat.Egory"',
      '"a=""b""" = "No; DROP"',
      ' PLAIN ',
    ]);
    await client.query(`
      INSERT INTO "Odd.Schema"."Source" VALUES ('A', 'B', 'C');
      UPDATE "Odd.Schema"."Source" SET "No; DROP" = 'b'`);
    const { rows } = await client.query(
      `SELECT "Cat.Egory" AS a, "a=""b""" AS b, plain AS c FROM "Odd.Schema"."Queue ""of"" = All" ORDER BY id`,
    );
    expect(rows).toEqual([
      { a: 'A', b: 'B', c: 'C' },
      { a: 'A', b: 'b', c: 'C' },
    ]);
  });

  test('is not led astray by the functions and operators of a caller', async () => {
    await client.query('DROP SCHEMA IF EXISTS hostile CASCADE; CREATE SCHEMA hostile');
    for (const [signature, result] of [
      ['format(text, name)', 'text'],
      ['format(text, oid)', 'text'],
      ['array_append(name[], name)', 'name[]'],
      ['array_append(text[], text)', 'text[]'],
      ['array_prepend(text, name[])', 'name[]'],
      ['array_to_string(text[], text)', 'text'],
      ['cardinality(name[])', 'integer'],
      ['contained(smallint[], smallint[])', 'boolean'],
    ]) {
      await client.query(
        `CREATE FUNCTION hostile.${signature} RETURNS ${result} LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END'`,
      );
    }
    await client.query(`
      CREATE OPERATOR hostile.<@ (LEFTARG = smallint[], RIGHTARG = smallint[], FUNCTION = hostile.contained);
      SET search_path = hostile, scratch, public`);
    await client.query('UPDATE ports SET version = 2 WHERE id = 1');
    expect(await queue()).toEqual(['www/nginx']);
  });

  test('finds a queue table that is named with its schema whatever the search_path', async () => {
    await client.query('CREATE TABLE qualified (category text, port text)');
    await attach(client, level, 'qualified', [
      'public.cache_clearing_ports',
      'port_updated',
      'category',
      'port',
    ]);
    await client.query(`
      CREATE TEMP TABLE cache_clearing_ports (LIKE public.cache_clearing_ports INCLUDING ALL);
      SET search_path = '';
      INSERT INTO scratch.qualified VALUES ('www', 'nginx');
      DROP TABLE pg_temp.cache_clearing_ports`);
    expect(await queue()).toEqual(['www/nginx']);
  });
});

describe('uncached.enqueue() for each statement', () => {
  test('reads the transition tables by the names that the trigger gives them', async () => {
    await client.query(`
      TRUNCATE cache_clearing_ports;
      CREATE TABLE renamed (category text, port text);
      CREATE TABLE old_rows (category text, port text);
      INSERT INTO old_rows VALUES ('not', 'this');
      INSERT INTO renamed VALUES ('www', 'nginx');
      CREATE TRIGGER enqueue AFTER UPDATE ON renamed
        REFERENCING OLD TABLE AS "Before" NEW TABLE AS "After"
        FOR EACH STATEMENT EXECUTE FUNCTION uncached.enqueue('cache_clearing_ports', 'port_updated', 'category', 'port');
      UPDATE renamed SET port = 'varnish'`);
    expect(await queue()).toEqual(['www/nginx', 'www/varnish']);
  });

  test('names the schema of every function it calls', async () => {
    const { rows } = await client.query<{ prosrc: string }>(
      `SELECT prosrc FROM pg_proc WHERE oid = 'uncached.enqueue()'::regprocedure`,
    );
    const code = rows[0]?.prosrc.replaceAll(/--.*|'(?:[^']|'')*'/g, '') ?? '';
    expect(code).toContain('pg_catalog.format(');
    expect(code.match(/(?<![.\w])[a-z]\w*(?=\()/g)).toBeNull();
  });
});
