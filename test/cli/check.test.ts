import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { client, database, ini, on, site } from './commands.ts';

describe('check', () => {
  it('is content with what is right', async () => {
    expect(await on(ini(), 'check')).toEqual({
      code: 0,
      stdout: `no problems: 5 handlers, root ${site.root}\n`,
      stderr: '',
    });
  });

  it('names every problem at once, with a suggestion', async () => {
    const handlers = `
[handler.listen_prot]
queue = cache_clearing_port
clear[] = ports/{category}/{port}/*
[handler.listen_date_updated]
queue = cache_clearing_dates
clear[] = daily/{date_to_claer:%Y}/*
clear[] = /daily
[handler.listen_commit]
queue = cache_clearing_commits
clear[] = new/*
then = nwes
[handler.news]
clear[] = news/*
`;
    const text = ini({ handlers, more: 'setle = 5s' });
    const { code, stdout } = await on(text, 'check');
    expect(code).toBe(2);
    for (const problem of [
      '[cache] setle is unknown, did you mean "settle"?',
      '[handler.listen_date_updated] the template "/daily" begins with "/"',
      '[handler.listen_commit] then = nwes: there is no section [handler.nwes], did you mean "news"?',
      `the template "new/*" matches nothing: there is no directory ${site.root}/new, did you mean "news"?`,
      'queue table cache_clearing_port does not exist',
      'queue table cache_clearing_dates has no column "date_to_claer", did you mean "date_to_clear"?',
      'channel port_updated asks for the handler "listen_port", which is not configured, did you mean "listen_prot"?',
      'channel file_updated asks for the handler "listen_file_updated"',
      '[handler.listen_prot] is never woken',
      '[handler.news] is never woken',
    ]) {
      expect(stdout).toContain(problem);
    }
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('10 problems');
  });

  it('names a missing root, schema and connection', async () => {
    rmSync(site.root, { recursive: true });
    const { code, stdout } = await on(ini().replace(/^dbname = .*$/m, 'dbname = template1'), 'check');
    expect(code).toBe(1);
    expect(stdout).toContain(`root ${site.root} does not exist`);
    expect(stdout).toContain('table uncached.journal does not exist');
    expect(stdout).toContain('table listen_for does not exist');
    expect(stdout).toContain('uncached schema | psql');
    const nowhere = await on(ini().replace(/^host = .*$/m, 'host = /nowhere'), 'check');
    expect(nowhere.code).toBe(1);
    expect(nowhere.stdout).toContain(`root ${site.root} does not exist`);
    expect(nowhere.stdout).toMatch(/Cannot connect to .*is PostgreSQL running/);
  });

  it('names missing rights, and what is granted is enough to work', async () => {
    const role = `listening_${database.name}`;
    await client.query(`CREATE ROLE ${role} LOGIN`);
    try {
      const text = ini().replace(/^user = .*$/m, `user = ${role}`);
      await client.query('REVOKE USAGE ON SCHEMA uncached FROM PUBLIC');
      const before = await on(text, 'check');
      expect(before.code).toBe(1);
      expect(before.stdout).toContain(`queue table cache_clearing_ports: role ${role} lacks SELECT, DELETE`);
      expect(before.stdout).toContain(`listen_for: role ${role} lacks SELECT`);
      expect(before.stdout).toContain('GRANT USAGE ON SCHEMA uncached TO');

      // SELECT and DELETE on the queue tables and rights on the journal, nothing more: no UPDATE to lock with.
      await client.query(`
        GRANT USAGE ON SCHEMA uncached TO ${role};
        GRANT SELECT, INSERT, UPDATE, DELETE ON uncached.journal TO ${role};
        GRANT SELECT ON listen_for TO ${role};
        GRANT SELECT, DELETE ON cache_clearing_ports, cache_clearing_dates, cache_clearing_commits, cache_clearing_files TO ${role}`);
      expect(await on(text, 'check')).toMatchObject({ code: 0 });
      site.write(['ports/www/a/1']);
      await client.query(
        `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a'), ('www', 'b')`,
      );
      expect(await on(text, 'drain')).toEqual({
        code: 0,
        stdout: 'cleared 2 entries, deleted 2 files\n',
        stderr: '',
      });
      expect(site.pages()).not.toContain('ports/www/a/1');
    } finally {
      await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });
});
