import { existsSync, mkdirSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { testDatabase } from '../postgres/test-database.ts';
import { freshportsHandlers, iniFor, makeSite, type Site } from '../site.ts';
import { type LogLine, type RunningDaemon, startUncached } from '../uncached.ts';

const database = testDatabase();
let site: Site;
let client: Client;
let daemon: RunningDaemon | undefined;

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
});
afterAll(() => client.end());

beforeEach(() => {
  site = makeSite();
});
afterEach(async () => {
  await daemon?.stop();
  daemon = undefined;
  await client.query(
    'TRUNCATE uncached.journal, cache_clearing_ports, cache_clearing_dates, cache_clearing_commits',
  );
  site.remove();
});

async function start(options: Parameters<typeof iniFor>[2] = {}): Promise<RunningDaemon> {
  const started = startUncached(site.configure(iniFor(site, database.config, options)));
  daemon = started;
  await started.until('LISTEN', isEvent('listening'));
  return started;
}

const isEvent =
  (event: string, fields: Partial<LogLine> = {}) =>
  (line: LogLine) =>
    line.event === event && Object.entries(fields).every(([name, value]) => line[name] === value);

const enqueuePort = (category: string | null, port: string | null) =>
  client.query('INSERT INTO cache_clearing_ports (category, port) VALUES ($1, $2)', [category, port]);

/** Each NOTIFY marks how far the log has come, so that a test waits for what follows only. */
const following = (running: RunningDaemon) => {
  const from = running.log.length;
  return (event: string, fields: Partial<LogLine> = {}) =>
    running.until(event, (line) => running.log.indexOf(line) >= from && isEvent(event, fields)(line));
};

describe('run', () => {
  it('clears for a manual NOTIFY, whatever its case and payload', async () => {
    const running = await start();
    for (const notify of [
      'NOTIFY date_updated',
      `NOTIFY date_updated, 'hello'`,
      `NOTIFY Date_Updated, '{"not": json'`,
      `SELECT pg_notify('date_updated', '')`,
    ]) {
      site.write(['daily/2020/01/03.daily.head', 'daily/2020/01/04.daily.head', 'news/front']);
      const next = following(running);
      await client.query(`INSERT INTO cache_clearing_dates (date_to_clear) VALUES ('2020-01-03'); ${notify}`);
      const { entries, keys, files } = await next('cleared', { handler: 'listen_date_updated' });
      expect({ entries, keys, files }).toEqual({ entries: 1, keys: 1, files: 2 });
      expect(site.pages()).toEqual(['daily/2020/01/04.daily.head']);
      await next('settled');
    }
  });

  it('clears 500 single commits, each of them soon, and tells the latency of each', async () => {
    const running = await start();
    const lags: number[] = [];
    for (let commit = 0; commit < 500; commit++) {
      const page = `ports/www/port-${commit}/Detail.html`;
      site.write([page]);
      const next = following(running);
      await client.query(
        `WITH row AS (INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'port-${commit}'))
         SELECT pg_notify('port_updated', '')`,
      );
      const { lagMs, files } = await next('cleared', { handler: 'listen_port' });
      expect(files).toBe(1);
      expect(existsSync(join(site.root, page))).toBe(false);
      lags.push(Number(lagMs));
    }
    lags.sort((a, b) => a - b);
    console.log(`500 commits: lag p50 ${lags[250]} ms, p99 ${lags[495]} ms, longest ${lags[499]} ms`);
    expect(lags.every((lag) => lag >= 0 && lag < 5_000)).toBe(true);
  });

  it('finds by sweep what was enqueued without a notification', async () => {
    const running = await start({ more: '[daemon]\nsweep = 1s' });
    site.write(['ports/www/silent/1']);
    await enqueuePort('www', 'silent');
    await running.until('sweep', isEvent('cleared', { handler: 'listen_port' }));
    expect(site.pages()).toEqual([]);
  });

  it('catches up with what came while it was away', async () => {
    site.write(['ports/www/early/1']);
    await enqueuePort('www', 'early');
    const running = await start();
    await running.until('catch-up', isEvent('cleared', { handler: 'listen_port' }));
    expect(site.pages()).toEqual([]);
  });

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

  it('tells an unknown script_name and goes on', async () => {
    await client.query(
      `INSERT INTO listen_for (name, script_name) VALUES ('packages_cache_clear', 'listen_prot')`,
    );
    try {
      const running = await start();
      const line = running.log.find(isEvent('unknown-handler'));
      expect(line?.msg).toContain('did you mean "listen_port"?');
      await client.query('NOTIFY packages_cache_clear');
      site.write(['ports/www/a/1']);
      await enqueuePort('www', 'a');
      await client.query('NOTIFY port_updated');
      await running.until('clearing', isEvent('cleared', { handler: 'listen_port' }));
    } finally {
      await client.query(`DELETE FROM listen_for WHERE name = 'packages_cache_clear'`);
    }
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

  it('wakes a handler without a queue by notification and by catch-up, and runs its command', async () => {
    const proof = join(site.root, 'proof');
    site.write(['packages/1']);
    await client.query(`INSERT INTO listen_for (name, script_name) VALUES ('packages_imported', 'packages')`);
    try {
      const handlers = `${freshportsHandlers}[handler.packages]\nclear[] = packages/*\nrun = touch ${proof}\n`;
      const running = await start({ handlers });
      await running.until('catch-up', isEvent('cleared', { handler: 'packages' }));
      expect(site.pages()).toEqual(['proof']);
      site.write(['packages/2']);
      const next = following(running);
      await client.query('NOTIFY packages_imported');
      await next('cleared', { handler: 'packages' });
      expect(site.pages()).toEqual(['proof']);
    } finally {
      await client.query(`DELETE FROM listen_for WHERE name = 'packages_imported'`);
    }
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

  it.each(['SIGTERM', 'SIGINT'] as const)('ends on %s with 0 and says so', async (signal) => {
    const running = await start();
    expect(await running.stop(signal)).toBe(0);
    expect(running.log.slice(-2).map(({ event }) => event)).toEqual(['stopping', 'stopped']);
    daemon = undefined;
  });

  it('hears again after its connections are cut', async () => {
    const running = await start();
    const next = following(running);
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    await next('listening');
    site.write(['ports/www/a/1']);
    await enqueuePort('www', 'a');
    await client.query('NOTIFY port_updated');
    await next('cleared', { handler: 'listen_port', files: 1 });
  });
});
