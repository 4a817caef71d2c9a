import { describe, expect, it } from 'vitest';
import { articles, attach, attached, state, taken } from './attached.ts';
import { client } from './commands.ts';

const change = `
  INSERT INTO articles VALUES (1, 'news', 'a');
  UPDATE articles SET slug = 'b';
  DELETE FROM articles`;

describe('uncached attach', () => {
  it('prints SQL with which each change enqueues the old key and the new one', async () => {
    await client.query(articles);
    const { stderr } = await attached(
      'articles',
      'section',
      'slug',
      '--clear',
      'articles/{section}/{slug}.html',
    );
    await client.query(change);
    expect(await taken()).toEqual(['news/a', 'news/b']);
    const { rows } = await client.query(
      `SELECT name, script_name, has_schema_privilege('uncached', 'site', 'USAGE') AS usage,
              has_table_privilege('uncached', 'cache_clearing_articles', 'SELECT, DELETE') AS taken
       FROM listen_for WHERE script_name = 'articles'`,
    );
    expect(rows).toEqual([{ name: 'articles_updated', script_name: 'articles', usage: true, taken: true }]);
    expect(stderr).toMatch(
      /^uncached: next: uncached attach articles section slug --clear 'articles\/\{section\}\/\{slug\}.html' --ini >> \/.*uncached.ini\n$/,
    );
  });

  it('changes nothing itself, and is the same when it is repeated', async () => {
    await client.query(`${articles}; CREATE SCHEMA IF NOT EXISTS site`);
    const before = await state();
    const first = await attach('articles', 'section', 'slug');
    expect(await state()).toEqual(before);
    await client.query(first.stdout);
    const made = await state();
    await client.query(first.stdout);
    expect(await state()).toEqual(made);
    const second = await attach('articles', 'section', 'slug');
    expect(second).toMatchObject({
      code: 0,
      stdout: first.stdout.replace(/GRANT USAGE .*\n\n/, ''),
    });
  });

  it('--statement makes three triggers, which enqueue the same', async () => {
    await client.query(articles);
    await attached('articles', 'section', 'slug', '--statement');
    await client.query(change);
    expect(await taken()).toEqual(['news/a', 'news/b']);
  });

  it('replaces the triggers of an earlier form', async () => {
    await client.query(articles);
    const names = async () => {
      const { rows } = await client.query<{ tgname: string }>(
        `SELECT tgname FROM pg_trigger WHERE tgrelid = 'articles'::regclass ORDER BY 1`,
      );
      return rows.map(({ tgname }) => tgname.replace('uncached_cache_clearing_articles', ''));
    };
    const forms: [string[], string[]][] = [
      [[], ['']],
      [['--statement'], ['_delete', '_insert', '_update']],
      [
        ['--when', 'true'],
        ['', '_when'],
      ],
      [['--update-of', 'title'], ['']],
      [['--statement'], ['_delete', '_insert', '_update']],
    ];
    for (const [options, made] of forms) {
      await attached('articles', 'section', 'slug', ...options);
      expect(await names()).toEqual(made);
    }
  });

  it('--update-of fires for the columns that are named, and for those of the key', async () => {
    await client.query(articles);
    await attached('articles', 'section', 'slug', '--update-of', 'title');
    await client.query(`INSERT INTO articles VALUES (1, 'news', 'a')`);
    await taken();
    await client.query('UPDATE articles SET views = 1');
    expect(await taken()).toEqual([]);
    await client.query(`UPDATE articles SET title = 'A'`);
    expect(await taken()).toEqual(['news/a']);
    await client.query(`UPDATE articles SET slug = 'b'`);
    expect(await taken()).toEqual(['news/a', 'news/b']);
  });

  it('--when fires where the condition is true, and where the key changes', async () => {
    await client.query(articles);
    await attached(
      'articles',
      'section',
      'slug',
      '--when',
      'OLD.title IS DISTINCT FROM NEW.title -- the page shows it',
    );
    await client.query(`INSERT INTO articles VALUES (1, 'news', 'a')`);
    expect(await taken()).toEqual(['news/a']);
    await client.query('UPDATE articles SET views = 1');
    expect(await taken()).toEqual([]);
    await client.query(`UPDATE articles SET title = 'A'`);
    expect(await taken()).toEqual(['news/a']);
    await client.query(`UPDATE articles SET slug = 'b'`);
    expect(await taken()).toEqual(['news/a', 'news/b']);
    await client.query('DELETE FROM articles');
    expect(await taken()).toEqual(['news/b']);
  });

  it('fills the queue column from a table column of another name', async () => {
    await client.query('CREATE TABLE items (id int, "Name" text)');
    await attached('items', 'item=id', 'Name', '--clear', 'items/{item}/{Name}.html');
    await client.query(`INSERT INTO items VALUES (7, 'x')`);
    const { rows } = await client.query('SELECT item, "Name" FROM site.cache_clearing_items');
    expect(rows).toEqual([{ item: 7, Name: 'x' }]);
  });

  it('makes the columns of the queue text where equal is not the same bytes, and keeps them where it is', async () => {
    await client.query(`
      CREATE DOMAIN url_name AS varchar(20) CHECK (value <> '') NOT NULL;
      CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      CREATE TYPE colour AS ENUM ('red');
      CREATE TABLE typed (i int, b bigint, d date, t timestamptz(0), u uuid, f boolean, a inet,
        n numeric, m numeric(10, 2), c char(5), v varchar(3), o url_name, x text COLLATE caseless, e colour, r float8)`);
    const columns = ['i', 'b', 'd', 't', 'u', 'f', 'a', 'n', 'm', 'c', 'v', 'o', 'x', 'e', 'r'];
    await attached('typed', ...columns);
    await client.query(`
      INSERT INTO typed VALUES (1, 2, '2020-01-31', '2020-01-31 12:00Z', gen_random_uuid(), true, '10.0.0.1',
        1.10, 1.1, 'ab', 'abc', 'o', 'X', 'red', 0.5)`);
    const { rows } = await client.query(
      `SELECT string_agg(format_type(atttypid, atttypmod), ' ' ORDER BY attnum) AS types FROM pg_attribute
       WHERE attrelid = 'cache_clearing_typed'::regclass AND attname = ANY ($1)`,
      [columns],
    );
    expect(rows).toEqual([
      {
        types: `integer bigint date timestamp with time zone uuid boolean inet${' text'.repeat(8)}`,
      },
    ]);
    expect((await client.query('SELECT n, m, c, x FROM cache_clearing_typed')).rows).toEqual([
      { n: '1.10', m: '1.10', c: 'ab', x: 'X' },
    ]);
  });

  it('attaches several tables to one queue table, and adopts its channel', async () => {
    await client.query(`${articles}; CREATE TABLE drafts (section text, name text)`);
    await attached('articles', 'section', 'slug', '--channel', 'Article_Updated');
    await attached('drafts', 'section', 'slug=name', '--handler', 'articles');
    await client.query(`INSERT INTO drafts VALUES ('news', 'd')`);
    expect(await taken()).toEqual(['news/d']);
    const { rows } = await client.query(`SELECT name FROM listen_for WHERE script_name = 'articles'`);
    expect(rows).toEqual([{ name: 'article_updated' }]);
  });

  it.each([
    ['each row', []],
    ['each statement', ['--statement']],
  ])('covers partitions and tables that inherit, for %s', async (_level, options) => {
    await client.query(`
      CREATE TABLE parts (id int, section text, slug text) PARTITION BY LIST (section);
      CREATE TABLE parts_news PARTITION OF parts FOR VALUES IN ('news');
      CREATE TABLE parents (id int, section text, slug text);
      CREATE TABLE heirs () INHERITS (parents)`);
    const { stderr } = await attached('parents', 'section', 'slug', ...options);
    expect(stderr).toContain('a table that is made below site.parents later gets no trigger by itself');
    await attached('parts', 'section', 'slug', ...options);
    for (const table of ['parts', 'parts_news', 'parents', 'heirs'])
      await client.query(`INSERT INTO ${table} VALUES (1, 'news', '${table}')`);
    expect(await taken('site.cache_clearing_parts')).toEqual(['news/parts', 'news/parts_news']);
    expect(await taken('site.cache_clearing_parents')).toEqual(['news/parents', 'news/heirs']);
    await client.query(`UPDATE parents SET slug = 'x'`);
    expect((await taken('site.cache_clearing_parents')).sort()).toEqual([
      'news/heirs',
      'news/parents',
      'news/x',
    ]);
  });

  it('quotes every name', async () => {
    await client.query(`
      CREATE TABLE "Wild 'quotes"".table" ("select" text, "a ""b""" text, "it's; DROP" text);
      CREATE ROLE "attach Role 'x'";
      GRANT INSERT ON "Wild 'quotes"".table" TO "attach Role 'x'"`);
    try {
      await attached(
        `"Wild 'quotes"".table"`,
        'select',
        'x="a ""b"""',
        `"it's; DROP"`,
        '--handler',
        `it's "H"`,
        '--channel',
        `ch'an "nel`,
        '--queue',
        `"My 'queue"" table"`,
        '--clear',
        `wild/{select}/{x}/{it's; DROP}.html`,
      );
      await client.query(`
        GRANT USAGE ON SCHEMA site TO "attach Role 'x'";
        SET ROLE "attach Role 'x'";
        INSERT INTO "Wild 'quotes"".table" VALUES ('s', 'b', 'i');
        RESET ROLE`);
      expect(await taken(`"My 'queue"" table"`)).toEqual(['s/b/i']);
      expect(
        (await client.query(`SELECT name, script_name FROM listen_for WHERE name LIKE 'ch%'`)).rows,
      ).toEqual([{ name: `ch'an "nel`, script_name: `it's "H"` }]);
    } finally {
      await client.query(`RESET ROLE; DROP OWNED BY "attach Role 'x'"; DROP ROLE "attach Role 'x'"`);
    }
  });
});
