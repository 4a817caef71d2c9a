import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkHere } from './command-here.ts';
import { client, database, ini, on, site } from './commands.ts';

const check = (text: string) => checkHere(site.configure(text));

describe('check', () => {
  it('is content with what is right', async () => {
    expect(await on(ini(), 'check')).toEqual({
      code: 0,
      stdout: `no problems: 5 handlers, root ${site.root}\n`,
      stderr: '',
    });
  });

  it('names an index that is missing, and time zones that make an age of a timestamp wrong', async () => {
    await client.query(`
      CREATE ROLE eastern_${database.name} ROLE CURRENT_USER;
      ALTER ROLE eastern_${database.name} SET TimeZone = 'Asia/Tokyo';
      ALTER TABLE cache_clearing_dates DROP CONSTRAINT cache_clearing_dates_pkey, ALTER date_added TYPE timestamp`);
    try {
      const { code, stdout } = await check(ini());
      expect(code).toBe(0);
      expect(stdout).toContain(
        'notice: queue table cache_clearing_dates has no index that begins with id, so that entries are claimed in the order in which they lie, not the oldest first: CREATE INDEX ON public.cache_clearing_dates (id)\n',
      );
      expect(stdout).toContain(
        `date_added is a timestamp without time zone, which the daemon takes for its own, and role eastern_${database.name} has the TimeZone Asia/Tokyo: `,
      );
      // The suggested statements work.
      for (const [, statement = ''] of stdout.matchAll(/: ((CREATE INDEX|ALTER TABLE) .*)$/gm))
        await client.query(statement);
      expect((await check(ini())).stdout).toBe(`no problems: 5 handlers, root ${site.root}\n`);
    } finally {
      await client.query(`
        DROP ROLE eastern_${database.name};
        ALTER TABLE cache_clearing_dates ADD PRIMARY KEY (id)`);
    }
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
      `channel file_updated asks for the handler "listen_file_updated", which is not configured: correct its script_name, add a section [handler.listen_file_updated], or, if no other daemon has that handler, DELETE FROM listen_for WHERE script_name = 'listen_file_updated'\n`,
      '[handler.listen_prot] is never woken',
      '[handler.news] is never woken',
    ]) {
      expect(stdout).toContain(problem);
    }
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('10 problems');
  });

  it('names what triggers do not see, and notes asynchronous commits', async () => {
    await client.query(`
      CREATE TABLE attached (pathname text);
      CREATE TRIGGER enqueue AFTER INSERT ON attached FOR EACH ROW
        EXECUTE FUNCTION uncached.enqueue('public.cache_clearing_files', 'file_updated', 'pathname');
      ALTER TABLE attached DISABLE TRIGGER enqueue;
      ALTER DATABASE ${database.name} SET synchronous_commit = off`);
    try {
      const { code, stdout } = await check(ini());
      expect(code).toBe(1);
      expect(stdout).toContain(
        'trigger enqueue on public.attached is disabled: changes are not seen: ALTER TABLE ',
      );
      expect(stdout).toContain(`notice: synchronous_commit is off for database ${database.name}: `);
    } finally {
      await client.query(`DROP TABLE attached; ALTER DATABASE ${database.name} RESET synchronous_commit`);
    }
  });

  it('names the tables that an older version did not install', async () => {
    await client.query(
      'ALTER TABLE uncached.daemon RENAME TO gone; REVOKE SELECT ON uncached.root FROM uncached',
    );
    const role = `older_${database.name}`;
    await client.query(`CREATE ROLE ${role} LOGIN; GRANT uncached TO ${role}`);
    try {
      const { stdout } = await check(ini().replace(/^user = .*$/m, `user = ${role}`));
      expect(stdout).toContain(
        `table uncached.daemon does not exist: install it: uncached schema | psql -d ${database.name}\n`,
      );
      expect(stdout).toContain(`GRANT SELECT ON uncached.root TO "${role}"`);
    } finally {
      await client.query(
        `ALTER TABLE uncached.gone RENAME TO daemon; GRANT SELECT ON uncached.root TO uncached; DROP ROLE ${role}`,
      );
    }
  });

  it('names a missing root, schema and connection', async () => {
    rmSync(site.root, { recursive: true });
    const { code, stdout } = await check(ini().replace(/^dbname = .*$/m, 'dbname = template1'));
    expect(code).toBe(1);
    expect(stdout).toContain(`[cache] root = ${site.root} does not exist`);
    expect(stdout).toContain('table uncached.log does not exist');
    expect(stdout).toContain('table listen_for does not exist');
    expect(stdout).toContain(
      'table uncached.log does not exist: install it: uncached schema | psql -d template1\n',
    );
    const nowhere = await check(ini().replace(/^host = .*$/m, 'host = /nowhere'));
    expect(nowhere.code).toBe(1);
    expect(nowhere.stdout).toContain(`[cache] root = ${site.root} does not exist`);
    expect(nowhere.stdout).toMatch(/Cannot connect to .*is PostgreSQL running/);
  });

  it('names missing rights, and what is granted is enough to work', async () => {
    const role = `listening_${database.name}`;
    await client.query(`CREATE ROLE ${role} LOGIN`);
    try {
      const text = ini().replace(/^user = .*$/m, `user = ${role}`);
      await client.query('REVOKE USAGE ON SCHEMA uncached FROM PUBLIC');
      const before = await check(text);
      expect(before.code).toBe(1);
      expect(before.stdout).toContain(`queue table cache_clearing_ports: role ${role} lacks SELECT, DELETE`);
      expect(before.stdout).toContain(`listen_for: role ${role} lacks SELECT`);
      expect(before.stdout).toContain('GRANT USAGE ON SCHEMA uncached TO');

      // Only SELECT and DELETE on the queue tables and the rights on the daemon's own tables. There is no
      // UPDATE to lock with.
      await client.query(`
        GRANT USAGE ON SCHEMA uncached TO ${role};
        GRANT SELECT, INSERT, DELETE ON uncached.log TO ${role};
        GRANT SELECT ON SEQUENCE uncached.log_id_seq TO ${role};
        GRANT SELECT, UPDATE ON uncached.log_lock TO ${role};
        GRANT SELECT, INSERT, UPDATE, DELETE
          ON uncached.consumer, uncached.failing, uncached.root, uncached.daemon TO ${role};
        GRANT SELECT ON listen_for TO ${role};
        GRANT SELECT, DELETE ON cache_clearing_ports, cache_clearing_dates, cache_clearing_commits, cache_clearing_files TO ${role}`);
      expect(await check(text)).toMatchObject({ code: 0 });
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
