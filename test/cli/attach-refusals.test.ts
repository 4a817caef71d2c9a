import { expect, it } from 'vitest';
import { articles, attach, attached, state } from './attached.ts';
import { client, ini, on } from './commands.ts';

/** What it complains of, each line; that it prints no SQL and fails. */
async function complaints(...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await attach(...args);
  expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' });
  return stderr
    .trimEnd()
    .split('\n')
    .map((line) => line.replace('uncached: ', ''));
}

it('reports every problem at once, and prints no SQL', async () => {
  await client.query(`
    CREATE TABLE articles (id int, section text, slug text,
      shout text GENERATED ALWAYS AS (upper(slug)) STORED, date_added date);
    INSERT INTO listen_for (name, script_name) VALUES ('taken', 'others')`);
  const before = await state();
  expect(
    await complaints(
      'articles',
      'sectoin',
      'id',
      'slug',
      '--clear',
      'a/{slgu}.html',
      '/x/{slug}',
      '--channel',
      'Taken',
      '--update-of',
      'titel',
      '--role',
      'nobody_here',
      '--queue',
      'nowhere.q',
    ),
  ).toEqual([
    'site.articles has no column sectoin, did you mean "section"?',
    "the queue table has a column id of its own: give the key's another name, such as article_id=id, and write {article_id} in templates",
    'the channel taken wakes [handler.others], by listen_for: choose another with --channel, or name that handler with --handler',
    '--role: there is no role nobody_here',
    'schema nowhere does not exist: create it, or name another in --queue',
    '--update-of: site.articles has no column titel',
    '[handler.articles] the template "/x/{slug}" begins with "/": templates are below root',
    '{slgu} is in a template, and the key has no column slgu, did you mean "slug"?',
  ]);
  expect(await state()).toEqual(before);
});

it.each([
  ['atricles', 'there is no table atricles, did you mean "articles"?'],
  ['nowhere.articles', 'there is no table nowhere.articles in the search_path: write site.articles'],
  ['seen', 'site.seen is no table, but a view: attach the tables that it reads'],
])('names what is wrong with the table %s', async (table, complaint) => {
  await client.query(`${articles}; CREATE VIEW seen AS SELECT * FROM articles`);
  expect(await complaints(table, 'slug')).toEqual([complaint]);
});

it('refuses a column that is generated and VIRTUAL', async ({ skip }) => {
  const { rows } = await client.query<{ virtual: boolean }>(
    `SELECT current_setting('server_version_num')::int >= 180000 AS virtual`,
  );
  if (!rows[0]?.virtual) skip('PostgreSQL has VIRTUAL columns from 18 on');
  await client.query('CREATE TABLE shouts (slug text, shout text GENERATED ALWAYS AS (upper(slug)) VIRTUAL)');
  expect(await complaints('shouts', 'shout')).toEqual([
    'column shout of site.shouts is generated and VIRTUAL, and a trigger cannot read it: make it STORED (doc/recipes.md, "Generated columns")',
  ]);
});

it('refuses a queue table that is there for another key, and says what to do', async () => {
  await client.query(articles);
  await attached('articles', 'section', 'slug');
  expect(await complaints('articles', 'section')).toEqual([
    'the queue table site.cache_clearing_articles is there already, for the key section, slug and not section: name its columns, or another table with --queue; if it is to change, remove it first, with uncached detach',
  ]);
});

it.each([
  [
    'of which equal keys are not the same bytes',
    `section text, slug text COLLATE caseless, UNIQUE (xid, section, slug)`,
    /takes keys for equal that are not the same bytes.*ALTER COLUMN slug TYPE text/,
  ],
  [
    'in which one transaction waits for another',
    'section text, slug text, UNIQUE (section, slug)',
    /lets only one transaction enqueue a key.*DROP CONSTRAINT/,
  ],
  [
    'whose type takes no value of the table',
    'section date, slug text',
    /the column section of the queue table site.own is of type date, which takes no text: ALTER TABLE/,
  ],
])('refuses a queue table %s', async (_what, columns, complaint) => {
  await client.query(`
    ${articles};
    CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE TABLE own (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, xid xid8 NOT NULL DEFAULT pg_current_xact_id(), ${columns})`);
  const [first, ...more] = await complaints('articles', 'section', 'slug', '--queue', 'own');
  expect(first).toMatch(complaint);
  expect(more).toEqual([]);
});

it('takes a queue table of types that the table fills, also where it would make others', async () => {
  await client.query(`
    CREATE TABLE prices (price numeric, number int);
    CREATE TABLE own (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, price numeric, number bigint)`);
  await attached('prices', 'price', 'number', '--queue', 'own');
  await client.query('INSERT INTO prices VALUES (1.10, 2)');
  expect((await client.query('SELECT price, number FROM own')).rows).toEqual([
    { price: '1.10', number: '2' },
  ]);
});

it('refuses a view as a queue table, and a name that is too long for one', async () => {
  await client.query(`${articles}; CREATE VIEW seen AS SELECT section, slug FROM articles`);
  expect(await complaints('articles', 'section', 'slug', '--queue', 'seen')).toEqual([
    'site.seen is there already and is no table: choose another name with --queue',
  ]);
  const long = 'x'.repeat(60);
  expect(await complaints('articles', 'slug', '--handler', long)).toEqual([
    `cache_clearing_${long} is longer than 63 bytes: name the queue table with --queue`,
    `the channel ${long}_updated is longer than 63 bytes: choose another with --channel`,
  ]);
});

it('does not replace a trigger that is none of ours', async () => {
  await client.query(`
    ${articles};
    CREATE TRIGGER uncached_cache_clearing_articles AFTER DELETE ON articles FOR EACH ROW
      EXECUTE FUNCTION uncached.enqueue('public.cache_clearing_ports', 'port_updated', 'category=section', 'port=slug')`);
  expect(await complaints('articles', 'section', 'slug')).toEqual([
    'site.articles has a trigger uncached_cache_clearing_articles already, which does something else: rename that, or name another queue table with --queue',
  ]);
});

it('reports formats that the type does not allow, and columns that no template names', async () => {
  await client.query('CREATE TABLE days (day date, month int, name text)');
  expect(await complaints('days', 'month', '--clear', 'days/{month:%Y}.html')).toEqual([
    expect.stringContaining(
      'takes a date from the column month of site.cache_clearing_days, which is of type integer',
    ),
  ]);
  const { code, stderr } = await attach('days', 'day', 'name', '--clear', 'days/{day:%Y}.html');
  expect(code).toBe(0);
  expect(stderr).toContain('notice: no template names {name}: leave it out of the key');
});

it('reports a trigger that fills the same queue table in another way', async () => {
  await client.query(articles);
  await attached('articles', 'section', 'slug');
  await client.query('ALTER TRIGGER uncached_cache_clearing_articles ON articles RENAME TO clear_cache');
  const { code, stderr } = await attach('articles', 'section', 'slug');
  expect(code).toBe(0);
  expect(stderr).toContain(
    'notice: the trigger clear_cache on site.articles fills the same queue table: if this one replaces it, DROP TRIGGER clear_cache ON site.articles',
  );
});

it('refuses text that would not be printed as it is', async () => {
  await client.query(articles);
  expect(await complaints('articles', 'slug', '--when', 'OLD.title\t<> NEW.title')).toEqual([
    '--when has a character that cannot be printed, such as a tab',
  ]);
});

it('refuses options that exclude each other, as wrong usage', async () => {
  for (const [name, value] of [
    ['--when', 'true'],
    ['--update-of', 'title'],
  ])
    expect(await attach('articles', 'slug', '--statement', name ?? '', value ?? '')).toMatchObject({
      code: 2,
    });
});

it('works with a configuration that is not complete, and not with a wrong [database]', async () => {
  await client.query(articles);
  const file = ini({ handlers: '' });
  expect(await on(file, 'attach', 'articles', 'slug')).toMatchObject({ code: 0 });
  expect(await on(file.replace('[cache]', 'usr = x\n[cache]'), 'attach', 'articles', 'slug')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('[database] usr is unknown, did you mean "user"?'),
  });
});
