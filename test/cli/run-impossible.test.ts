import { describe, expect, it } from 'vitest';
import { startUncached, uncached } from '../uncached.ts';
import { client, ini, site } from './commands.ts';

describe('run, given something impossible', () => {
  it.each([
    ['no server', /^host = .*$/m, 'host = /nowhere', undefined, 'is PostgreSQL running'],
    ['no such database', /^dbname = .*$/m, 'dbname = nowhere', 1, 'correct dbname under [database]'],
    ['no schema', /^dbname = .*$/m, 'dbname = template1', 1, 'uncached schema | psql -d template1'],
  ])('%s: says what to do', async (_what, from, to, code, advice) => {
    const file = site.configure(ini().replace(from, to));
    if (code === undefined) {
      const daemon = startUncached(file);
      const line = await daemon.until('complaint', ({ event }) => event === 'database-unavailable');
      expect(line.msg).toContain(advice);
      expect(await daemon.stop()).toBe(0);
    } else {
      const ended = await uncached(['--config', file, 'run']);
      expect(ended.code).toBe(code);
      expect(ended.stdout).toContain(advice);
    }
  });

  it.each([
    [
      'missing table',
      'queue = cache_clearing_ports',
      'queue = cache_clearing_port',
      'cache_clearing_port does not exist',
    ],
    ['unknown column', '{port}', '{prot}', 'has no column "prot", did you mean "port"?'],
  ])('%s: says so, and the other handlers work', async (_what, from, to, message) => {
    const daemon = startUncached(site.configure(ini().replace(from, to)));
    await daemon.until('complaint', ({ event, msg }) => event === 'loop-failed' && msg.includes(message));
    await client.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a')`);
    await client.query(`INSERT INTO cache_clearing_dates (date_to_clear) VALUES ('2020-01-01')`);
    await client.query('NOTIFY date_updated');
    await daemon.until(
      'clearing',
      ({ event, handler }) => event === 'cleared' && handler === 'listen_date_updated',
    );
    expect(await daemon.stop()).toBe(0);
    expect((await client.query('SELECT FROM cache_clearing_ports')).rowCount).toBe(1);
  });
});
