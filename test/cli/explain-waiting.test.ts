import { describe, expect, it } from 'vitest';
import { iniFor } from '../site.ts';
import { uncached } from '../uncached.ts';
import { client, database, explain, nginx, site, uncachedExplain } from './explain.ts';
import { untilAwaited } from './sessions.ts';

describe('of a page that something waits for', () => {
  const last = (stdout: string) => stdout.trimEnd().split('\n').at(-1);
  const follow = ({ clearedTo = 0, settledTo = 0 } = {}) =>
    client.query(
      `INSERT INTO uncached.consumer (id, kind, name, state, settled_to, cleared_to)
       VALUES ('a cache', 'files', 'files', 'live', $1, $2)`,
      [settledTo, clearedTo],
    );

  it('counts the entries that name it, and no others', async () => {
    await client.query(`INSERT INTO cache_clearing_ports (category, port, date_added) VALUES
      ('www', 'nginx', now() - interval '5 h'), ('www', 'apache24', now()), ('net', 'nginx', now())`);
    await client.query(
      `BEGIN; INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'nginx'); COMMIT`,
    );
    const { stdout } = await uncachedExplain(nginx);
    expect(stdout).toContain('  queue     2 entries name it, the oldest made 5 h ago\n');
    expect(stdout).toContain('  queue     no entry for it\n');
    expect(last(stdout)).toMatch(/^It waits to be cleared.*uncached status$/);
  });

  it('finds entries by slug, date and path, which no key contains', async () => {
    await client.query(`
      INSERT INTO cache_clearing_commits (commit_to_clear) VALUES ('<2005.X>'), ('other');
      INSERT INTO cache_clearing_dates (date_to_clear) VALUES ('2020-01-03'), ('2020-01-04'), (NULL);
      INSERT INTO cache_clearing_files (pathname) VALUES ('/ports/head/MOVED'), ('Mk/x'), ('..')`);
    // This matches by the category alone.
    await client.query(
      `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', NULL), ('net', NULL)`,
    );
    for (const path of [
      'categories/www/index.html',
      'commits/-2005-x-/a',
      'daily/2020/01/03.x',
      'ports/MOVED.html',
      'ports/Mk/x.html',
    ])
      expect((await explain(path)).stdout, path).toContain('  queue     1 entry names it');
  });

  it.each<[string, { clearedTo: number; failing?: string }, string, RegExp]>([
    ['claimed', { clearedTo: 0 }, 'claimed 5 h ago, not cleared yet', /^It waits to be cleared/],
    [
      'cleared once',
      { clearedTo: 3 },
      'claimed 5 h ago and cleared, settling: cleared again 10s after the transactions that were open then have ended',
      /^It was cleared a moment ago and has been written again since/,
    ],
    [
      'failing',
      { clearedTo: 3, failing: "'disk full', 3, now() + interval '40 min', false" },
      'failing since it was claimed 5 h ago, 3 tries, next in 40 min: disk full',
      /^A clearing of it fails\. .*: uncached failing retry \d+$/,
    ],
    [
      'with an invalid key',
      { clearedTo: 3, failing: "'column other is NULL', 1, NULL, true" },
      'claimed 5 h ago, cleared as far as possible, and kept: column other is NULL',
      /^To clear it again: uncached failing retry \d+$/,
    ],
  ])('tells a row of the log: %s', async (_state, { clearedTo, failing }, text, verdict) => {
    site.write([nginx]);
    await follow({ clearedTo, settledTo: failing ? clearedTo : 0 });
    await client.query(`
      INSERT INTO uncached.log (handler, key, claimed_at) VALUES
        ('listen_port', '{"category": "www", "port": "nginx"}', now() - interval '5 h'),
        ('listen_port', '{"category": "www", "port": "other"}', now()),
        ('listen_date_updated', '{"category": "www", "port": "nginx"}', now())`);
    if (failing)
      await client.query(`
        INSERT INTO uncached.failing (consumer, id, handler, key, claimed_at, last_error, attempts, retry_at, invalid)
        SELECT 'a cache', id, handler, key, claimed_at, ${failing} FROM uncached.log`);
    const { code, stdout } = await explain(nginx);
    expect(code).toBe(0);
    expect(stdout.match(/^ {2}log +row \d+: .*$/gm)).toEqual([expect.stringContaining(text)]);
    expect(last(stdout)).toMatch(verdict);
  });

  it('misses no entry that is claimed while it searches', async () => {
    await follow();
    await client.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'nginx')`);
    await client.query('BEGIN; LOCK TABLE cache_clearing_ports');
    const [{ stdout }] = await Promise.all([
      explain(nginx),
      client.query(`${untilAwaited('cache_clearing_ports')}
        DELETE FROM cache_clearing_ports;
        INSERT INTO uncached.log (handler, key) VALUES ('listen_port', '{"category": "www", "port": "nginx"}');
        COMMIT`),
    ]);
    expect(stdout).toMatch(/row \d+: claimed/);
  });

  it('knows what is cleared once after each batch, whatever the key', async () => {
    await client.query(
      `INSERT INTO cache_clearing_ports (category, port) VALUES ('any', 'thing'), ('other', NULL), ('..', '..')`,
    );
    await follow();
    await client.query(`INSERT INTO uncached.log (handler, key) VALUES ('news', '{}')`);
    const { stdout } = await explain('news/index.html');
    expect(stdout).toContain(`listen_port
  template  news/* of news, once after each batch
  key       any
  channel   port_updated
  queue     3 entries name it, the oldest made`);
    expect(stdout).toMatch(
      /^news\n {2}template {2}news\/\*\n.*any\n.*none: no row of listen_for.*\n {2}log +row \d+: claimed/m,
    );
  });

  it('shows the templates even when the database is unreachable', async () => {
    const ini = iniFor(site, { ...database.config, host: '/nowhere' });
    const { code, stdout, stderr } = await uncached(['--config', site.configure(ini), 'explain', nginx]);
    expect(code).toBe(1);
    expect(stdout).toContain(
      'listen_port\n  template  ports/{category}/{port}/*\n  key       category=www port=nginx\n\n',
    );
    expect(stderr).toMatch(/is PostgreSQL running/);
  });

  it('needs SELECT and nothing else', async () => {
    const role = `reporting_${database.name}`;
    await client.query(`CREATE ROLE ${role} LOGIN`);
    try {
      await client.query(`
        GRANT USAGE ON SCHEMA uncached TO ${role};
        GRANT SELECT ON uncached.log, uncached.consumer, uncached.failing,
          listen_for, cache_clearing_ports, cache_clearing_files TO ${role};
        INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'nginx')`);
      expect(await explain(nginx, { user: role })).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('1 entry names it'),
      });
      expect(await explain('commits/a/b', { user: role })).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('Cannot look at cache_clearing_commits'),
      });
    } finally {
      await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });
});
