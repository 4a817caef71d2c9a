import { describe, expect, it } from 'vitest';
import { schema } from '../../src/cli/schema.ts';
import { installSql } from '../../src/postgres/sql-files.ts';
import { uncached } from '../uncached.ts';
import { client, ini, on, site } from './commands.ts';

describe('the command line', () => {
  it('exits with 2 for wrong usage and wrong configuration, 0 for help', async () => {
    expect(await uncached(['statsu'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean status?'),
    });
    expect(await uncached(['--confg', 'x', 'run'])).toMatchObject({ code: 2 });
    expect(await uncached(['--config', '/nowhere.ini', 'run'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'uncached: cannot read the configuration /nowhere.ini: it does not exist\n',
    });
    expect(await on('[cahce]\n', 'config')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean "cache"?'),
    });
    expect(await uncached(['--help'])).toMatchObject({ code: 0, stderr: '' });
    expect((await uncached(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('prints the configuration in effect', async () => {
    const { code, stdout } = await on(ini().replace('[cache]', 'password = hunter2\n[cache]'), 'config');
    expect(code).toBe(0);
    expect(stdout).toContain(`root = ${site.root}`);
    expect(stdout).not.toContain('hunter2');
  });

  it('prints the SQL to install, which can be installed again', async () => {
    const { code, stdout } = await uncached(['schema']);
    expect(code).toBe(0);
    await client.query(stdout);
    expect(await uncached(['schema', '--freshports'])).toMatchObject({
      code: 0,
      stdout: installSql({ freshports: true }),
    });
    expect((await uncached(['schema', '--uninstall'])).stdout).toContain('DROP SCHEMA');
    const refused = (...options: string[]) =>
      schema.bind(undefined, Object.fromEntries(options.map((name) => [name, true])));
    expect(refused('freshports', 'journalOnly')).toThrow(
      '--freshports adds queue tables, --journal-only is for a database that has its own',
    );
    expect(refused('freshports', 'uninstall')).toThrow('--uninstall never removes a queue table');
    expect(refused('journalOnly', 'uninstall')).toThrow('--uninstall removes the log, too');
  });
});
