import { beforeEach, describe, expect, it } from 'vitest';
import { checkHere } from './command-here.ts';
import { client, ini, on, site } from './commands.ts';
import { explain } from './explain.ts';

const handlers = (expand = 'inheriting(index)', more = '') => `
[handler.projects]
queue = cache_clearing_projects
expand = ${expand}
clear[] = simple/{index}/{project}.html
${more}`;

beforeEach(async () => {
  await client.query(`
    DROP TABLE IF EXISTS cache_clearing_projects, index_base;
    DROP FUNCTION IF EXISTS inheriting(text);
    DELETE FROM listen_for;
    INSERT INTO listen_for (name, script_name) VALUES ('project_updated', 'projects');
    CREATE TABLE index_base (index text, base text);
    INSERT INTO index_base VALUES ('i', 'base'), ('j', 'i');
    CREATE FUNCTION inheriting(index text) RETURNS TABLE (index text) LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
      WITH RECURSIVE above AS (
        SELECT $1 AS index UNION SELECT b.index FROM above JOIN index_base AS b ON b.base = above.index
      ) SELECT above.index FROM above $$;
    CREATE TABLE cache_clearing_projects (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, index text, project text);
    CREATE OR REPLACE FUNCTION fill_queues() RETURNS void LANGUAGE sql AS 'INSERT INTO cache_clearing_projects DEFAULT VALUES'`);
  site.write(['base', 'i', 'j', 'k'].map((index) => `simple/${index}/x.html`));
});

const check = async (text: string) => {
  const { stdout } = await checkHere(site.configure(ini({ handlers: text })));
  return stdout;
};

describe('check', () => {
  it('finds nothing wrong with a function that works', async () => {
    expect(await check(handlers())).toMatch(/^no problems/m);
  });

  it.each<[string, string, string, RegExp]>([
    [
      'is missing',
      '',
      'inheritin(index)',
      /expand = inheritin\(index\): there is no such function, did you mean "inheriting"\?/,
    ],
    [
      'takes other arguments',
      '',
      'inheriting(index, project)',
      /public\.inheriting\(text\) does not take 2 arguments/,
    ],
    [
      'is VOLATILE',
      'ALTER FUNCTION inheriting(text) VOLATILE',
      'inheriting(index)',
      /is VOLATILE, and may only read: ALTER FUNCTION public\.inheriting\(text\) STABLE/,
    ],
    [
      'has the rights of its owner, and the search_path of its caller',
      'ALTER FUNCTION inheriting(text) SECURITY DEFINER; ALTER FUNCTION inheriting(text) RESET search_path',
      'inheriting(index)',
      /is SECURITY DEFINER and has no search_path.*ALTER FUNCTION public\.inheriting\(text\) SET search_path = public, pg_temp/,
    ],
    [
      'relies on a search_path',
      'ALTER FUNCTION inheriting(text) RESET search_path',
      'inheriting(index)',
      /relation "index_base" does not exist \(it is called with search_path = pg_catalog/,
    ],
    [
      'takes a number for a text',
      'CREATE OR REPLACE FUNCTION numbered(index int) RETURNS TABLE (index text) LANGUAGE sql STABLE AS $$ SELECT $1::text $$',
      'numbered(index)',
      /^notice: .*the column index of cache_clearing_projects is text, and public\.numbered\(integer\) takes it as integer/m,
    ],
    [
      'lacks a column of the queue table',
      '',
      'inheriting(inde)',
      /has no column "inde", did you mean "index"\?/,
    ],
  ])('finds that it %s', async (_what, sql, expand, found) => {
    await client.query(sql);
    expect(await check(handlers(expand))).toMatch(found);
  });

  it('finds a line with a column that nobody has', async () => {
    expect(await check(handlers('inheriting(index)', 'clear[] = {index}/{version}.html'))).toMatch(
      /a line of the handler names the column "version", which neither it returns nor the queue table has/,
    );
  });

  it('asks for the newest key, and tells what the function answers', async () => {
    await client.query(`
      DROP FUNCTION inheriting(text);
      CREATE FUNCTION inheriting(changed text) RETURNS TABLE (index text) LANGUAGE plpgsql STABLE AS
        $$ BEGIN RAISE 'no such index: %', changed; END $$`);
    expect(await check(handlers())).toMatch(/^no problems/m);
    await client.query(
      `INSERT INTO uncached.log (handler, key) VALUES ('projects', '{"index": "z", "project": "x"}')`,
    );
    expect(await check(handlers())).toMatch(/expand = inheriting\(index\): no such index: z/);
  });
});

describe('clear', () => {
  it('shows what depends on the key, and what would go', async () => {
    const { code, stdout } = await on(
      ini({ handlers: handlers() }),
      'clear',
      'projects',
      'index=i',
      'project=x',
      '--dry-run',
    );
    expect(stdout.split('\n').sort()).toEqual([
      '',
      'depends on it: index=i project=x',
      'depends on it: index=j project=x',
      'simple/i/x.html',
      'simple/j/x.html',
    ]);
    expect(code).toBe(0);
  });

  it('clears what depends on the key', async () => {
    const { code, stdout } = await on(
      ini({ handlers: handlers() }),
      'clear',
      'projects',
      'index=base',
      'project=x',
    );
    expect([code, stdout]).toEqual([0, 'deleted 3 files\n']);
    expect(site.pages()).toContain('simple/k/x.html');
  });

  it('says why the function cannot be asked, and clears the key alone', async () => {
    await client.query('DROP FUNCTION inheriting(text)');
    const given = ['clear', 'projects', 'index=base', 'project=x'];
    const dry = await on(ini({ handlers: handlers() }), ...given, '--dry-run');
    expect([dry.code, dry.stderr]).toEqual([1, expect.stringContaining('there is no such function')]);
    const { code, stdout, stderr } = await on(ini({ handlers: handlers() }), ...given);
    expect([code, stdout]).toEqual([1, 'deleted 1 file\n']);
    expect(stderr).toContain('expand = inheriting(index): there is no such function');
  });
});

it('explain says that entries of other keys clear the page, too', async () => {
  const { code, stdout } = await explain('simple/j/x.html', { handlers: handlers() });
  expect(code).toBe(0);
  expect(stdout).toContain('  expand    inheriting(index): entries of other keys clear it, too');
  expect(stdout).toContain('No entry of its own key is waiting. An entry of another key of projects may be');
  expect(stdout).not.toContain('every change committed so far has been cleared');
});
