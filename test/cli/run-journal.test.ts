import { existsSync, mkdirSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freshportsHandlers } from '../site.ts';
import type { LogLine } from '../uncached.ts';
import { client, enqueuePort, isEvent, site, start } from './running.ts';

describe('run', () => {
  it('keeps what it cannot clear in the journal, with its error, and goes on beside it', async () => {
    const running = await start({ more: '[daemon]\nlog = debug' });
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

    // Time for several tries: a spinning daemon would make hundreds.
    const failed = (line: LogLine) => line.event === 'tried' && Number(line.failed) > 0;
    await running.until('third try', (line) => running.log.filter(failed).indexOf(line) === 2);
    expect(running.log.filter(isEvent('rows-failed'))).toHaveLength(1);
    const { rows } = await client.query(
      `SELECT key, attempts, last_error, retry_at > now() AS later FROM uncached.journal WHERE last_error IS NOT NULL ORDER BY id`,
    );
    expect(rows.map(({ key }) => [key.category, key.port]).sort()).toEqual(bad.map((key) => [...key]).sort());
    for (const row of rows) {
      expect(row.last_error).toContain('no page can have this key');
      expect(row.attempts).toBeLessThanOrEqual(4);
    }
  });

  it('keeps an undeletable file in the journal until it can be deleted', async () => {
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
      'cannot delete ports/www/linked: ELOOP, is a symbolic link, which is never followed',
    );
    expect(existsSync(join(site.root, 'ports/www/good/1'))).toBe(false);

    unlinkSync(link);
    site.write(['ports/www/linked/1']);
    let settled = 0;
    await running.until('both rows to settle', (line) => {
      if (line.event === 'settled') settled += Number(line.rows);
      return settled === 2;
    });
    expect(site.pages()).toEqual([]);
    expect((await client.query('SELECT FROM uncached.journal')).rowCount).toBe(0);
  });

  it('clears again what an earlier run left in the journal', async () => {
    site.write(['ports/www/left/1', 'ports/www/behind/1']);
    await client.query(
      `INSERT INTO uncached.journal (handler, key, cleared_at, last_error, retry_at) VALUES
         ('listen_port', '{"category": "www", "port": "left"}', now(), NULL, NULL),
         ('listen_port', '{"category": "www", "port": "behind"}', NULL, 'read-only', now() + interval '1 hour'),
         ('listen_prot', '{}', NULL, NULL, NULL)`,
    );
    const running = await start();
    let settled = 0;
    await running.until('both rows to settle', (line) => {
      if (line.event === 'settled') settled += Number(line.rows);
      return settled === 2;
    });
    expect(site.pages()).toEqual([]);
    expect(running.log.find(isEvent('orphaned'))?.msg).toContain('1 rows of the handler "listen_prot"');
    const { rows } = await client.query('SELECT handler FROM uncached.journal');
    expect(rows).toEqual([{ handler: 'listen_prot' }]);
  });

  it('keeps the row of a command that fails', async () => {
    const handlers = freshportsHandlers.replace('[handler.news]', '[handler.news]\nrun = sh -c false');
    const running = await start({ handlers });
    await enqueuePort('www', 'a');
    await client.query('NOTIFY port_updated');
    const line = await running.until('failure', isEvent('rows-failed'));
    expect(line.msg).toContain('cannot run "sh -c false": it ended with 1');
    expect((await client.query('SELECT FROM uncached.journal')).rowCount).toBe(1);
  });
});
