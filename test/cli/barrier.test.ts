import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshportsHandlers } from '../site.ts';
import { uninstall } from '../sql/sql-file.ts';
import { client, ini, on } from './commands.ts';

const check = () => on(ini(), 'check');
const lines = async () =>
  (await check()).stdout.split('\n').filter((line) => line.includes('xid') || line.includes('barrier'));

async function installBarrier(): Promise<void> {
  const { code, stdout, stderr } = await on(ini(), 'schema', '--barrier');
  expect(code, stderr).toBe(0);
  await client.query(stdout);
}

const sections = (...names: string[]) =>
  freshportsHandlers
    .split(/(?=^\[)/m)
    .filter((section) => names.some((name) => section.startsWith(`[handler.${name}]`)))
    .join('');

async function change(): Promise<string> {
  const { rows } = await client.query(
    `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a') RETURNING xid::text`,
  );
  return rows[0]?.xid;
}

beforeEach(installBarrier);
afterEach(() => client.query('DROP TABLE IF EXISTS uncached.barrier'));

describe('uncached schema --barrier', () => {
  it('names the queue tables of the configuration, and says what has none; it may be repeated', async () => {
    const { stderr } = await on(ini(), 'schema', '--barrier');
    expect(stderr).toContain(
      'notice: 1 handler has no queue table, and nobody waits for what is cleared by it: news',
    );
    await installBarrier();
    const { rows } = await client.query('SELECT handler, queue FROM uncached.barrier ORDER BY handler');
    expect(rows).toEqual([
      { handler: 'listen_commit', queue: expect.stringContaining('cache_clearing_commits') },
      { handler: 'listen_date_updated', queue: expect.stringContaining('cache_clearing_dates') },
      { handler: 'listen_file_updated', queue: expect.stringContaining('cache_clearing_files') },
      { handler: 'listen_port', queue: expect.stringContaining('cache_clearing_ports') },
      { handler: 'news', queue: '' },
    ]);
  });

  it('prints nothing where a queue table is missing, and every problem', async () => {
    const handlers = `[handler.a]\nqueue = cache_clearing_prts\nclear[] = {port}\n[handler.b]\nqueue = gone\nclear[] = {port}\n`;
    const { code, stdout, stderr } = await on(ini({ handlers }), 'schema', '--barrier');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('queue table cache_clearing_prts does not exist');
    expect(stderr).toContain('queue table gone does not exist');
    expect(await on(ini({ handlers: sections('news') }), 'schema', '--barrier')).toMatchObject({ code: 2 });
    expect(await on(ini(), 'schema', '--barrier', '--freshports')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('give it alone'),
    });
  });

  it('is removed with the rest', async () => {
    await uninstall(client);
    const { rows } = await client.query(`SELECT to_regnamespace('uncached')::text AS left`);
    expect(rows).toEqual([{ left: null }]);
    await client.query((await on(ini(), 'schema')).stdout);
    await installBarrier();
  });
});

describe('uncached wait', () => {
  it('ends with 1 when the time is over, and says what holds it; with 0 when it is cleared', async () => {
    const xid = await change();
    const { code, stderr } = await on(ini(), 'wait', '--xid', xid, '--timeout', '300ms');
    expect(code).toBe(1);
    expect(stderr).toContain(`transaction ${xid} is not settled yet; it is held by:`);
    expect(stderr).toContain(`from transaction ${xid} on, by the queue of listen_port`);
    const other = ['--handler', 'listen_commit', '--level', 'cleared', '--failing-for', '1h'];
    expect(await on(ini(), 'wait', '--xid', xid, ...other)).toMatchObject({ code: 0 });
    const waiting = on(ini(), 'wait', '--xid', xid);
    await client.query('DELETE FROM cache_clearing_ports');
    expect(await waiting).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it('refuses what is no transaction, a handler that is not known, and a database without the barrier', async () => {
    for (const xid of ['0', 'x', '18446744073709551616'])
      expect(await on(ini(), 'wait', '--xid', xid), xid).toMatchObject({ code: 2 });
    expect(await on(ini(), 'wait', '--xid', '99999999999')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('in the future'),
    });
    expect(await on(ini(), 'wait', '--xid', '3', '--handler', 'news')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has no queue table'),
    });
    await client.query('ALTER TABLE uncached.barrier RENAME TO away');
    expect(await on(ini(), 'wait', '--xid', '3')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the barrier is not installed: install it: uncached schema --barrier'),
    });
    await client.query('ALTER TABLE uncached.away RENAME TO barrier');
  });
});

describe('uncached status', () => {
  it('says what holds announcements, and whether something does', async () => {
    const report = async () => (await on(ini(), 'status')).stdout;
    expect(await report()).toContain('announcements: nothing holds them\n');
    const xid = await change();
    expect(await report()).toContain(
      `announcements: held: from transaction ${xid} on, by the queue of listen_port`,
    );
    await client.query(`UPDATE cache_clearing_ports SET date_added = now() - interval '5 minutes'`);
    expect(await report()).toMatch(
      /announcements of changes are held: from transaction \d+ on, by the queue/,
    );
    await client.query(`DELETE FROM uncached.barrier WHERE handler = 'listen_commit'`);
    await client.query(`INSERT INTO uncached.consumer (id, kind, name, handlers, state, settled_to, cleared_to)
      VALUES ('web1', 'files', 'files', '{listen_commit}', 'live', 0, 0)`);
    expect(await report()).toContain('nothing is announced as cleared: handler listen_commit is cleared');
    const json = JSON.parse((await on(ini(), 'status', '--json')).stdout);
    expect(json.holding).toMatchObject([{ kind: 'unknown' }, { kind: 'queue', xid }]);
    await client.query('DELETE FROM uncached.consumer; DROP TABLE uncached.barrier');
    expect(await report()).not.toContain('announcements');
  });
});

describe('uncached check', () => {
  const restore = `ALTER TABLE cache_clearing_ports ALTER xid SET DEFAULT pg_current_xact_id()`;

  it('is content with the queue tables of uncached, and silent without the barrier', async () => {
    expect(await lines()).toEqual([]);
    await client.query(
      `ALTER TABLE cache_clearing_ports ALTER xid SET DEFAULT '5'; DROP TABLE uncached.barrier`,
    );
    expect(await lines()).toEqual([]);
    await client.query(restore);
  });

  it('names a queue table that the barrier does not know', async () => {
    await client.query(`DELETE FROM uncached.barrier WHERE handler = 'listen_port'`);
    expect(await lines()).toEqual([
      expect.stringMatching(
        /the barrier does not know queue table .*cache_clearing_ports of \[handler.listen_port\]/,
      ),
    ]);
  });

  it('names a default that is wrong', async () => {
    await client.query(`ALTER TABLE cache_clearing_ports ALTER xid SET DEFAULT '5'`);
    expect(await lines()).toContainEqual(expect.stringContaining(`its xid defaults to '5'`));
    await client.query(
      'ALTER TABLE cache_clearing_ports ALTER xid SET DEFAULT pg_snapshot_xmin(pg_current_snapshot())',
    );
    expect(await lines()).toEqual([]);
    await client.query(restore);
  });

  it('names a trigger that skips what is queued already, with the own transaction as xid', async () => {
    await client.query(`
      CREATE TABLE things (k text);
      CREATE FUNCTION enqueue_thing() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO cache_clearing_ports (category, port) SELECT NEW.k, NEW.k
          WHERE NOT EXISTS (SELECT FROM cache_clearing_ports WHERE port = NEW.k);
        NOTIFY port_updated;
        RETURN NULL;
      END $$;
      CREATE TRIGGER thing AFTER INSERT ON things FOR EACH ROW EXECUTE FUNCTION enqueue_thing()`);
    expect(await lines()).toEqual([
      expect.stringMatching(
        /trigger thing on public.things \(public.enqueue_thing\) does not enqueue what is queued/,
      ),
    ]);
    await client.query(
      'ALTER TABLE cache_clearing_ports ALTER xid SET DEFAULT pg_snapshot_xmin(pg_current_snapshot())',
    );
    expect(await lines()).toEqual([]);
    await client.query(`${restore}; DROP TABLE things; DROP FUNCTION enqueue_thing()`);
    await client.query('CREATE UNIQUE INDEX one_only ON cache_clearing_ports (category, port)');
    expect(await lines()).toContainEqual(expect.stringContaining('because of the unique index'));
    await client.query('DROP INDEX one_only');
  });

  it('names a queue table without xid, with another type, or without an index on it', async () => {
    await client.query('CREATE TABLE plain (id serial PRIMARY KEY, port text)');
    const handlers = '[handler.plain]\nqueue = plain\nclear[] = {port}\n';
    const found = async () => {
      await client.query((await on(ini({ handlers }), 'schema', '--barrier')).stdout);
      const { stdout } = await on(ini({ handlers }), 'check');
      return stdout.split('\n').filter((line) => line.startsWith('notice: queue table public.plain'));
    };
    expect(await found()).toContainEqual(expect.stringContaining('has no column xid'));
    await client.query('ALTER TABLE plain ADD xid bigint');
    expect(await found()).toContainEqual(expect.stringContaining('its xid is of type bigint'));
    await client.query(`ALTER TABLE plain DROP xid;
      ALTER TABLE plain ADD xid xid8 NOT NULL DEFAULT pg_snapshot_xmin(pg_current_snapshot())`);
    expect(await found()).toContainEqual(expect.stringContaining('has no index that begins with xid'));
    await client.query('CREATE INDEX ON plain (xid)');
    expect(await found()).not.toContainEqual(expect.stringContaining('xid'));
    await client.query('DROP TABLE plain');
  });
});
