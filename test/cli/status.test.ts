import { describe, expect, it } from 'vitest';
import { client, database, ini, on } from './commands.ts';

describe('status', () => {
  it('is ok when nothing waits', async () => {
    const { code, stdout } = await on(ini(), 'status');
    expect(code).toBe(0);
    expect(stdout).toContain('UNCACHED OK - 0 entries waiting | backlog=0 lag=0s failing=0');
    expect(stdout).toMatch(/^listen_port +0 +0 s +0 +0 +0$/m);
  });

  it('tells backlog, lag, claimed, settling and failing apart', async () => {
    await client.query(`
      INSERT INTO cache_clearing_ports (category, port, date_added) VALUES ('a', 'b', now() - interval '10 s'), ('a', 'c', now());
      INSERT INTO uncached.journal (handler, key, cleared_at, last_error) VALUES
        ('listen_port', '{}', NULL, NULL), ('listen_port', '{}', now(), NULL), ('listen_port', '{}', now(), NULL),
        ('listen_date_updated', '{}', NULL, 'disk full')`);
    const { code, stdout } = await on(ini(), 'status', '--json');
    expect(code).toBe(1);
    const { level, reasons, handlers } = JSON.parse(stdout);
    expect(level).toBe('warning');
    expect(reasons.join()).toMatch(
      /listen_port lags [1-5]\d(\.\d)? s behind.*1 of listen_date_updated failing: disk full/,
    );
    expect(handlers[0]).toMatchObject({
      handler: 'listen_port',
      backlog: 2,
      claimed: 1,
      settling: 2,
      failing: 0,
    });
    expect(handlers[1]).toMatchObject({
      handler: 'listen_date_updated',
      backlog: 0,
      claimed: 0,
      settling: 0,
      failing: 1,
    });
    expect((await on(ini(), 'status', '-w', '1h', '-c', '2h')).stdout).not.toContain('lags');
    expect((await on(ini(), 'status', '--critical', '5s')).code).toBe(2);
    expect((await on(ini(), 'status', '--critical', 'soon')).code).toBe(2);
  });

  it('needs SELECT and nothing else: whoever watches clears nothing', async () => {
    const role = `nagios_${database.name}`;
    await client.query(`CREATE ROLE ${role} LOGIN`);
    try {
      await client.query(`
        GRANT USAGE ON SCHEMA uncached TO ${role};
        GRANT SELECT ON uncached.journal,
          cache_clearing_ports, cache_clearing_dates, cache_clearing_commits, cache_clearing_files TO ${role};
        INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a')`);
      const { code, stdout } = await on(
        ini().replace(/^user = .*$/m, `user = ${role}`),
        'status',
        '-w',
        '1h',
        '-c',
        '2h',
      );
      expect(stdout).toContain('UNCACHED OK - 1 entries waiting | backlog=1');
      expect(code).toBe(0);
    } finally {
      await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });

  it('is critical when it cannot look', async () => {
    const { code, stdout } = await on(ini().replace(/^host = .*$/m, 'host = /nowhere'), 'status');
    expect(code).toBe(2);
    expect(stdout).toMatch(/^UNCACHED CRITICAL - .*is PostgreSQL running/);
  });
});
