import { describe, expect, it } from 'vitest';
import { articles, attached, state } from './attached.ts';
import { client, ini, on } from './commands.ts';

const detach = (...args: string[]) => on(ini(), 'detach', ...args);

async function detached(...args: string[]) {
  const ended = await detach(...args);
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
  return ended;
}

describe('uncached detach', () => {
  it('leaves what was there before, and may be repeated', async () => {
    await client.query(articles);
    // The first attachment also grants USAGE on the schema, which stays.
    const before = await state();
    await attached('articles', 'section', 'slug', '--when', 'true');
    const { stdout, stderr } = await detached('articles');
    await client.query(stdout);
    expect(await state()).toEqual(before);
    await client.query(stdout);
    expect(stderr).toBe('');
    expect(await detach('articles')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'uncached: no trigger of site.articles calls uncached.enqueue: nothing is attached\n',
    });
  });

  it('drops no queue table in which entries wait, and says what to do', async () => {
    await client.query(articles);
    await attached('articles', 'section', 'slug');
    await client.query(`INSERT INTO articles VALUES (1, 'news', 'a')`);
    const { stdout } = await detached('articles');
    await expect(client.query(stdout)).rejects.toMatchObject({
      message: 'Cannot drop site.cache_clearing_articles: entries wait in it, and their pages are stale',
      hint: 'Start the daemon or run uncached drain, and run this again.',
    });
    await client.query('ROLLBACK');
    expect((await client.query('SELECT FROM cache_clearing_articles')).rowCount).toBe(1);
    await client.query(`UPDATE articles SET slug = 'b'`);
    expect((await client.query('SELECT FROM cache_clearing_articles')).rowCount).toBe(1);
    await client.query('DELETE FROM cache_clearing_articles');
    await client.query(stdout);
    expect((await client.query(`SELECT to_regclass('cache_clearing_articles') AS oid`)).rows).toEqual([
      { oid: null },
    ]);
  });

  it('keeps a queue table that another trigger or a function uses', async () => {
    await client.query(`${articles}; CREATE TABLE drafts (section text, slug text)`);
    await attached('articles', 'section', 'slug');
    await attached('drafts', 'section', 'slug', '--handler', 'articles');
    const first = await detached('articles');
    expect(first.stderr).toBe(
      'uncached: "site"."cache_clearing_articles" and its channel are kept: the trigger uncached_cache_clearing_articles on site.drafts uses it\n',
    );
    await client.query(first.stdout);
    await client.query(`INSERT INTO drafts VALUES ('news', 'd')`);
    expect((await client.query('DELETE FROM cache_clearing_articles')).rowCount).toBe(1);
    await client.query(`
      CREATE FUNCTION by_hand() RETURNS void LANGUAGE sql AS $$
        SELECT uncached.enqueue_key('site.cache_clearing_articles', 'articles_updated', '{"section": "a", "slug": "b"}') $$`);
    const second = await detached('drafts');
    expect(second.stderr).toContain('a function uses it');
    await client.query(second.stdout);
    expect((await client.query('SELECT FROM cache_clearing_articles')).rowCount).toBe(0);
    expect((await client.query(`SELECT FROM listen_for WHERE name = 'articles_updated'`)).rowCount).toBe(1);
  });

  it('--queue removes one attachment of several', async () => {
    await client.query(articles);
    await attached('articles', 'section', 'slug');
    await attached('articles', 'section', '--handler', 'lists');
    await client.query((await detached('articles', '--queue', 'cache_clearing_lists')).stdout);
    const { rows } = await client.query(
      `SELECT tgname FROM pg_trigger WHERE tgrelid = 'articles'::regclass ORDER BY 1`,
    );
    expect(rows).toEqual([{ tgname: 'uncached_cache_clearing_articles' }]);
    expect(
      (await client.query(`SELECT name FROM listen_for WHERE script_name IN ('lists', 'articles')`)).rows,
    ).toEqual([{ name: 'articles_updated' }]);
  });

  it('removes the triggers of tables that inherit, and says what is left in the configuration', async () => {
    await client.query(`CREATE TABLE parents (slug text); CREATE TABLE heirs () INHERITS (parents)`);
    await attached('parents', 'slug');
    const handlers = '[handler.parents]\nqueue = cache_clearing_parents\nclear[] = {slug}.html\n';
    const { stdout, stderr } = await on(ini({ handlers }), 'detach', 'parents');
    expect(stderr).toMatch(
      /^uncached: next: remove \[handler.parents\] from \/.*, and reload the daemon \(SIGHUP\)\n$/,
    );
    await client.query(stdout);
    await client.query(`INSERT INTO heirs VALUES ('x')`);
    expect((await client.query(`SELECT FROM pg_trigger WHERE tgrelid = 'heirs'::regclass`)).rowCount).toBe(0);
  });
});
