import { existsSync, mkdirSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { unsettled } from '../postgres/unsettled.ts';
import { freshportsHandlers, iniFor } from '../site.ts';
import { uncached } from '../uncached.ts';
import { marked } from './marked.ts';
import { client, enqueuePort, isEvent, site, start } from './running.ts';
import { database } from './site-and-database.ts';

/** Registers the root in the database, so that it clears the rows added to the log. */
async function earlierRun(): Promise<void> {
  const earlier = await start();
  await marked(site.root, client, earlier);
  expect(await earlier.stop()).toBe(0);
}

const left = async () => (await client.query(`SELECT handler FROM ${unsettled}`)).rows;

describe('run', () => {
  it('keeps what it cannot clear, with its error, and continues with the rest', async () => {
    const running = await start();
    site.write(['ports/www/good/1', 'ports/www/*/1', 'ports/www/star/1']);
    const bad = [
      ['www', '..'],
      ['www', 'a/b'],
      ['www', null],
      [null, null],
    ] as const;
    await client.query('BEGIN');
    for (const [category, port] of bad) await enqueuePort(category, port);
    await enqueuePort('www', '*');
    await enqueuePort('www', 'good');
    await client.query('NOTIFY port_updated; COMMIT');
    await running.until('clearing', isEvent('cleared', { handler: 'listen_port' }));
    expect(site.pages()).toEqual(['ports/www/star/1']);

    await running.until('settling', isEvent('settled', { rows: 6 }));
    expect(running.log.filter(isEvent('rows-failed'))).toEqual([]);
    expect(running.log.filter(isEvent('rows-invalid'))).toMatchObject([{ rows: 4 }]);
    const { rows } = await client.query(
      'SELECT key, last_error FROM uncached.failing WHERE invalid ORDER BY id',
    );
    // The cursor is written a while after that line.
    await eventually(
      'settled but for those',
      async () => (await left()).length === 4 || undefined,
      async () => JSON.stringify(running.log.slice(-10)),
    );
    expect(rows.map(({ key }) => [key.category, key.port]).sort()).toEqual(bad.map((key) => [...key]).sort());
    for (const row of rows) expect(row.last_error).toContain('no page can have this key');
  });

  it('keeps a row with an undeletable file until that can be deleted', async () => {
    const running = await start();
    const link = join(site.root, 'ports/www/linked');
    site.write(['ports/www/good/1']);
    mkdirSync(join(site.root, '../outside'));
    symlinkSync('../../../outside', link);
    await client.query('BEGIN');
    await enqueuePort('www', 'linked');
    await enqueuePort('www', 'good');
    await client.query('NOTIFY port_updated; COMMIT');
    const failed = await running.until('failure', isEvent('rows-failed', { rows: 1 }));
    expect(failed.msg).toContain(
      'cannot open ports/www/linked: ELOOP, is a symbolic link, which is never followed',
    );
    expect(existsSync(join(site.root, 'ports/www/good/1'))).toBe(false);

    // No retry is settled in between, when there is nothing to delete.
    process.kill(running.pid, 'SIGSTOP');
    unlinkSync(link);
    site.write(['ports/www/linked/1']);
    process.kill(running.pid, 'SIGCONT');
    let settled = 0;
    await running.until('both rows to settle', (line) => {
      if (line.event === 'settled') settled += Number(line.rows);
      return settled === 2;
    });
    expect(site.pages()).toEqual([]);
    expect(await running.stop()).toBe(0);
    expect(await left()).toEqual([]);
  });

  it('clears again what an earlier run has left: what has not settled, and what failed', async () => {
    await earlierRun();
    site.write(['ports/www/left/1', 'ports/www/behind/1']);
    await client.query(`
      INSERT INTO uncached.failing (consumer, id, handler, key, claimed_at, last_error, retry_at)
      SELECT id, 1000, 'listen_port', '{"category": "www", "port": "behind"}', now(), 'read-only', now() + interval '1 hour'
      FROM uncached.consumer;
      INSERT INTO uncached.log (handler, key) VALUES
        ('listen_port', '{"category": "www", "port": "left"}'), ('listen_prot', '{}')`);
    const running = await start();
    let settled = 0;
    await running.until('both rows to settle', (line) => {
      if (line.event === 'settled') settled += Number(line.rows);
      return settled === 2;
    });
    expect(site.pages()).toEqual([]);
    const orphaned = await running.until('orphans', isEvent('rows-orphaned'));
    expect(orphaned.msg).toContain('1 row of the handler "listen_prot"');
    expect(await running.stop()).toBe(0);
    expect(await left()).toEqual([{ handler: 'listen_prot' }]);
  });

  it('reports each unconfigured handler once, with all its rows and the command that discards them', async () => {
    await earlierRun();
    await client.query(
      `INSERT INTO uncached.log (handler, key)
       SELECT CASE WHEN row % 3 = 0 THEN 'it''s gone' ELSE 'listen_prot' END, '{}' FROM generate_series(1, 3000) AS row`,
    );
    const running = await start({ more: '[daemon]\nbatch = 100\nheartbeat = 1s\nsweep = 1s' });
    const orphaned = () => running.log.filter(isEvent('rows-orphaned'));
    await running.until('both', () => orphaned().length === 2);
    // The log is read from the durable cursor after each start and each LISTEN, and on with each sweep.
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '% listener'`,
    );
    await running.until(
      'a second LISTEN',
      (line) => running.log.filter(isEvent('listening')).indexOf(line) === 1,
    );
    await enqueuePort('www', 'a');
    await client.query('NOTIFY port_updated');
    await running.until('clearing', (line) => line.event === 'cleared' && line.handler === 'listen_port');
    // The cursor is written a while after that line. A stop before leaves the row to the next start.
    await eventually(
      'settled but for those',
      async () => !(await left()).some(({ handler }) => handler === 'listen_port') || undefined,
      async () => JSON.stringify(running.log.slice(-10)),
    );
    await running.stop();
    expect(
      orphaned()
        .map(({ handler, rows }) => [handler, rows])
        .sort(),
    ).toEqual([
      ["it's gone", 1000],
      ['listen_prot', 2000],
    ]);

    const file = site.configure(iniFor(site, database.config));
    for (const { msg } of orphaned()) {
      const pasted = msg.slice(msg.indexOf('uncached failing drop'));
      const command = pasted.replace(/^uncached/, '"$@"');
      const { code } = await uncached(['--config', file], {}, { before: ['sh', '-c', command, 'sh'] });
      expect(code).toBe(0);
    }
    expect(await left()).toEqual([]);
  });

  it('keeps the row of a command that fails', async () => {
    const handlers = freshportsHandlers.replace('[handler.news]', '[handler.news]\nrun = sh -c false');
    const running = await start({ handlers });
    // In one transaction: a notification that comes long after its entry was claimed has a row of its own.
    await client.query('BEGIN');
    await enqueuePort('www', 'a');
    await client.query('NOTIFY port_updated; COMMIT');
    const line = await running.until('failure', isEvent('rows-failed'));
    expect(line.msg).toContain('cannot run "sh -c false": it ended with 1');
    expect((await client.query('SELECT FROM uncached.failing')).rowCount).toBe(1);
  });
});
