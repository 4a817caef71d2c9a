import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withClient } from '../postgres/connection.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { makeSite, type Site } from '../site.ts';
import { main, type RunningDaemon, startUncached } from '../uncached.ts';
import { blocksOf } from './blocks.ts';

/**
 * README.md, followed word for word by somebody who has a table of his own; only the names that other tests
 * have, too, are replaced: of the database, of the role, and of files.
 */

const blocks = blocksOf(readFileSync('README.md', 'utf8'));
const missing = spawnSync('psql', ['--version']).status !== 0;
if (missing) console.warn('SKIPPED: README.md: there is no psql: apt-get install postgresql-client');

const database = testDatabase({ template: 'template0' });
const role = `readme_${process.pid}`;
let site: Site;
let file: string;
let env: NodeJS.ProcessEnv;
let daemon: RunningDaemon | undefined;

beforeAll(() => {
  site = makeSite();
  const folder = dirname(site.root);
  file = join(folder, 'uncached.ini');
  const program = join(folder, 'uncached');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${main}' --config '${file}' "$@"\n`);
  chmodSync(program, 0o755);
  const { host, port, user, password } = database.config;
  env = {
    PATH: `${folder}:${process.env.PATH}`,
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
    ...(password !== undefined && { PGPASSWORD: String(password) }),
    PGSSLMODE: 'disable',
  };
});
afterAll(async () => {
  await daemon?.stop();
  await withClient(database.config, (client) =>
    client.query(`DROP OWNED BY ${role}, ${role}_webapp; DROP ROLE ${role}, ${role}_webapp`),
  );
  site.remove();
});

function written(heading: string, language: string): string {
  const block = blocks.filter((one) => one.heading === heading && one.language === language).at(-1);
  return String(block?.text)
    .replaceAll(/(-d|dbname =) site\b/g, `$1 ${database.name}`)
    .replaceAll('cachecleaner', role)
    .replaceAll('/var/cache/site', site.root)
    .replaceAll('/etc/uncached.ini', file);
}

function run(heading: string): { stdout: string; stderr: string } {
  const text = written(heading, 'sh');
  const { status, stdout, stderr } = spawnSync('bash', ['-eu', '-o', 'pipefail', '-c', text], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  expect(status, `${text}\n${stdout}\n${stderr}`).toBe(0);
  return { stdout, stderr };
}

describe.skipIf(missing)('README.md, from an empty database to a page that a change clears', () => {
  it('installs, configures, attaches and checks', async () => {
    run('Install');
    writeFileSync(file, written('Configure it', 'ini'));
    await withClient(database.config, (client) =>
      client.query(`
        CREATE TABLE articles (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, section text, slug text, body text);
        INSERT INTO articles (section, slug) VALUES ('news', 'hello'), ('news', 'other');
        CREATE ROLE ${role}_webapp;
        GRANT SELECT, UPDATE ON articles TO ${role}_webapp`),
    );
    site.write(['articles/news/hello.html', 'articles/news/other.html']);
    const { stdout } = run('Attach it to your table');
    expect(stdout.replace(/^notice: checked as root.*\n/m, '')).toMatch(
      /\nno problems(, 1 notice)?: 1 handler/,
    );
  });

  it('clears the page, and no other', async () => {
    daemon = startUncached(file, env);
    await daemon.until('LISTEN', ({ event }) => event === 'listening');
    await withClient(database.config, (client) =>
      client.query(`SET ROLE ${role}_webapp; UPDATE articles SET body = 'new' WHERE slug = 'hello'`),
    );
    await daemon.until('cleared', ({ event }) => event === 'cleared');
    expect(site.pages()).toEqual(['articles/news/other.html']);
  });

  it('may be repeated', () => {
    const before = readFileSync(file, 'utf8');
    run('Install');
    run('Attach it to your table');
    expect(readFileSync(file, 'utf8')).toBe(before);
  });
});
