import { describe, expect, it } from 'vitest';
import { assessAll } from '../../src/cli/status.ts';
import { isPrintable } from '../../src/core/printable-text.ts';
import { eventually } from '../faults/eventually.ts';
import { uncached } from '../uncached.ts';
import { client, database, ini, on } from './commands.ts';
import { piped } from './piped.ts';
import { site, start } from './running.ts';
import { noTerminal, onTerminal } from './terminal.ts';

/** The output once it says this and exits with this code. Until then it is polled in this process. */
async function saying(code: number, what: RegExp): Promise<string> {
  const file = site.configure(ini());
  let last = '';
  const says = (said: { code: number | null; text: string }) => {
    last = said.text;
    return said.code === code && what.test(said.text);
  };
  return await eventually(
    `exit code ${code}, ${what}`,
    async () => {
      if (!says(await assessAll(() => file, {}))) return undefined;
      const { code, stdout: text } = await on(ini(), 'status');
      return says({ code, text }) ? text : undefined;
    },
    async () => last,
  );
}

describe('status', () => {
  it('is ok when a daemon is there and nothing waits, and says so when it hangs or has gone', {
    timeout: 400_000,
  }, async () => {
    const without = await on(ini(), 'status');
    expect(without.code).toBe(1);
    expect(without.stdout).toContain(
      'UNCACHED WARNING - no daemon is connected: start it | backlog=0 lag=0s failing=0',
    );
    expect(without.stdout).toMatch(/^listen_port +0 +0 s +0 +0 +0 +0$/m);
    expect(without.stdout).toMatch(/^total +0 +0 s +0 +0 +0 +0$/m);

    const daemon = await start({ more: '[daemon]\nheartbeat = 1s' });
    const ok = await saying(0, /^UNCACHED OK - 0 entries waiting \|/);
    expect(ok).toMatch(new RegExp(`\\ndaemon on \\S+, process ${daemon.pid}: reported [\\d.]+ s ago\\n$`));
    process.kill(daemon.pid, 'SIGSTOP');
    await saying(2, /the daemon on .* \(process \d+\) has not reported for .* it hangs/);
    process.kill(daemon.pid, 'SIGCONT');
    await saying(0, /^UNCACHED OK/);
    process.kill(daemon.pid, 'SIGKILL');
    await saying(1, /no daemon is connected \(the last one, on .*, was seen .* ago\): start it/);
    await client.query("INSERT INTO cache_clearing_ports (category, port) VALUES ('a', 'b')");
    expect((await on(ini(), 'status')).stdout).toMatch(
      /: start it(;.*)? \| .*process \d+: not connected, last reported .* ago\n$/s,
    );
    await client.query('DELETE FROM cache_clearing_ports');
  });

  it('distinguishes backlog, lag, claimed, settling and failing', async () => {
    await client.query(`
      INSERT INTO cache_clearing_ports (category, port, date_added) VALUES ('a', 'b', now() - interval '10 s'), ('a', 'c', now());
      INSERT INTO uncached.log (handler, key) SELECT 'listen_port', '{}' FROM generate_series(1, 3);
      INSERT INTO uncached.consumer (id, kind, name, state, settled_to, cleared_to) VALUES ('a cache', 'files', 'files', 'live', 0, 2);
      INSERT INTO uncached.failing (consumer, id, handler, key, claimed_at, last_error, invalid) VALUES
        ('a cache', 1000, 'listen_date_updated', '{}', now(), 'disk full', false),
        ('a cache', 1001, 'listen_date_updated', '{}', now(), 'column d is NULL', true);
      INSERT INTO uncached.daemon (owner, host, pid, seen_at, silent_at, problems) VALUES ('a', 'web1', 7, now(), now(), '[]')`);
    const { code, stdout } = await on(ini(), 'status', '--json');
    expect(code).toBe(2);
    const { health, problems, handlers, daemons } = JSON.parse(stdout);
    expect(health).toBe('critical');
    expect(daemons).toEqual([
      {
        host: 'web1',
        pid: 7,
        connected: false,
        silent: expect.any(Boolean),
        reportAgeMs: expect.any(Number),
      },
    ]);
    expect(problems.map(({ text }: { text: string }) => text).join()).toMatch(
      /no daemon is connected.*listen_port lags [1-5]\d(\.\d)? s behind.*listen_date_updated: 1 row failing: disk full/,
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
    const { stdout: shown } = await on(ini(), 'status', '-w', '1h', '-c', '2h');
    expect(shown).not.toContain('lags');
    expect(shown).toMatch(/^listen_date_updated +0 .* 0 +0 +1 +1$/m);
    expect(shown).toMatch(/^total +2 +\d+(\.\d)? s +1 +2 +1 +1$/m);
    expect(isPrintable(shown.replaceAll('\n', ''))).toBe(true);
  });

  it('says on one line what is wrong with the configuration, and with what it was called', async () => {
    const broken = ini({ more: 'setle = 5s' }).replace('then = news', 'then = nwes');
    const { code, stdout, stderr } = await on(broken, 'status');
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(stdout).toMatch(
      /^UNCACHED CRITICAL - \S+uncached\.ini: line \d+: \[cache\] setle is unknown.*\n$/,
    );
    const json = await on(broken, 'status', '--json');
    expect(json).toMatchObject({ code: 2, stderr: '' });
    expect(JSON.parse(json.stdout)).toEqual({
      health: 'critical',
      problems: [
        {
          level: 'critical',
          kind: 'configuration',
          text: expect.stringContaining('[cache] setle is unknown'),
        },
      ],
      handlers: [],
      consumers: [],
      daemons: [],
    });
    expect(await on(ini().replace('then = news', 'then = nwes'), 'status')).toMatchObject({
      code: 2,
      stdout: expect.stringMatching(/^UNCACHED CRITICAL - .*there is no section \[handler\.nwes\].*\n$/),
    });
    expect(await uncached(['--config', '/nowhere.ini', 'status'])).toEqual({
      code: 2,
      stdout: 'UNCACHED CRITICAL - cannot read the configuration /nowhere.ini: it does not exist\n',
      stderr: '',
    });
    expect(await on(ini(), 'status', '--critical', 'soon')).toMatchObject({
      code: 2,
      stdout: expect.stringMatching(/^UNCACHED CRITICAL - .*--critical.*\n$/),
    });
  });

  it('needs SELECT and nothing else: a monitor clears nothing', async () => {
    const role = `nagios_${database.name}`;
    await client.query(`CREATE ROLE ${role} LOGIN`);
    try {
      await client.query(`
        GRANT USAGE ON SCHEMA uncached TO ${role};
        GRANT SELECT ON uncached.log, uncached.consumer, uncached.failing, uncached.daemon,
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
      expect(stdout).toMatch(/^UNCACHED CRITICAL - no daemon is connected.*: start it \| backlog=1/);
      expect(code).toBe(2);
    } finally {
      await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });

  it('is critical when the database is unreachable', async () => {
    const { code, stdout } = await on(ini().replace(/^host = .*$/m, 'host = /nowhere'), 'status');
    expect(code).toBe(2);
    expect(stdout).toMatch(/^UNCACHED CRITICAL - .*is PostgreSQL running/);
  });

  it('watches until its reader has left', async () => {
    const { code, read } = await piped(['--config', site.configure(ini()), 'status', '--watch'], 'head -3');
    expect(code).toBe(1);
    expect(read).toMatch(/^\d\d:\d\d:\d\d, every 2 s until Ctrl-C\nUNCACHED WARNING - /);
    expect(await on(ini(), 'status', '--watch', '--json')).toMatchObject({ code: 2, stdout: '' });
  });
});

describe.skipIf(noTerminal)('on a terminal, status', () => {
  const args = (...more: string[]) => ['--config', site.configure(ini()), 'status', ...more];

  it('has colours unless NO_COLOR is set, and lines of 80 columns at the most', async () => {
    await client.query(`INSERT INTO uncached.failing (consumer, id, handler, key, claimed_at, last_error)
      SELECT 'a cache', length(handler), handler, '{}', now(), repeat('no space left on the device ', 5)
      FROM unnest('{listen_port,listen_commit}'::text[]) AS handler`);
    const { code, text } = await onTerminal(args());
    expect(code).toBe(2);
    expect(text).toMatch(/^\x1b\[31mUNCACHED CRITICAL\x1b\[0m - 3 problems \| backlog=0 lag=/);
    expect(text).toMatch(/^\x1b\[33mlisten_port +\x1b\[0m .*\x1b\[31m +1\x1b\[0m/m);
    const plain = await onTerminal(args(), { env: { NO_COLOR: '1' } });
    expect(isPrintable(plain.text.replaceAll('\n', ''))).toBe(true);
    expect(plain.text.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(plain.text).toMatch(/^- no daemon is connected/m);
    expect(plain.text).toMatch(/^- listen_commit: 1 row failing: no space left[^\n]*\n {2}\S/m);
  });

  it('draws over what is there until Ctrl-C, with the exit code of the last', async () => {
    const { code, text } = await onTerminal(args('--watch'), {
      press: (shown) => shown.split('UNCACHED').length > 2,
    });
    expect(code).toBe(1);
    expect(text.split('\x1b[H')).toHaveLength(text.split('UNCACHED').length);
  });
});
