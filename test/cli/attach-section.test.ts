import { appendFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { uncached } from '../uncached.ts';
import { articles, attached, taken } from './attached.ts';
import { client, database, ini, on, site } from './commands.ts';

const key = ['articles', 'section', 'slug'];
const lines = ['--clear', 'articles/{section}/{slug}.html', 'articles/{section}/index.html'];
const run = (file: string, ...args: string[]) =>
  uncached(['--config', file, 'attach', ...key, ...lines, ...args]);

it('--ini prints the section, and nothing once the configuration has it', async () => {
  await client.query(articles);
  await attached(...key);
  const file = site.configure(ini({ handlers: '' }));
  const { code, stdout, stderr } = await run(file, '--ini');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe(`
[handler.articles]
queue = site.cache_clearing_articles
clear[] = articles/{section}/{slug}.html
clear[] = articles/{section}/index.html
`);
  appendFileSync(file, stdout);
  expect(await run(file, '--ini')).toEqual({
    code: 0,
    stdout: '',
    stderr: `uncached: [handler.articles] is in ${file} already\n`,
  });
  expect((await run(file)).stderr).toBe('');
  await client.query(`DELETE FROM listen_for WHERE script_name <> 'articles'`);
  site.write(['articles/news/index.html']);
  expect((await uncached(['--config', file, 'check'])).stdout).toBe(
    `no problems: 1 handler, root ${site.root}\n`,
  );
});

it('--ini quotes what the reader of the file would misread', async () => {
  await client.query('CREATE TABLE articles (section text, "a;b" text)');
  const { stdout } = await on(
    ini({ handlers: '' }),
    'attach',
    'articles',
    '"a;b"',
    '--clear',
    'x/{a;b}',
    '--ini',
  );
  expect(stdout).toContain('\nclear[] = "x/{a;b}"\n');
});

it.each([
  [
    'with other lines',
    'queue = site.cache_clearing_articles\nclear[] = other/*',
    'with other lines: change them there, to',
  ],
  [
    'with another queue',
    'queue = others\nclear[] = other/*',
    'has the queue others and not site.cache_clearing_articles',
  ],
])('--ini refuses a handler that is there %s', async (_what, section, complaint) => {
  await client.query(articles);
  const { code, stdout, stderr } = await run(
    site.configure(ini({ handlers: `[handler.articles]\n${section}\n` })),
    '--ini',
  );
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain(complaint);
});

it('refuses the queue table of another handler, and a name that no section can have', async () => {
  await client.query(articles);
  const file = site.configure(
    ini({ handlers: '[handler.others]\nqueue = cache_clearing_articles\nclear[] = x\n' }),
  );
  expect(await run(file)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('site.cache_clearing_articles is the queue of [handler.others]'),
  });
  expect(await run(file, '--handler', 'a] ;b')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('a section [handler.a] ;b] cannot be written'),
  });
  expect(await run(file, '--queue', '"a.b"')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('a name with a dot cannot be written behind "queue ="'),
  });
});

it('--ini without templates is refused', async () => {
  await client.query(articles);
  expect(await on(ini(), 'attach', ...key, '--ini')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: 'uncached: --ini: a section without --clear, --url or --tag would clear nothing\n',
  });
});

it('takes urls, and shows them in what is next', async () => {
  await client.query(articles);
  const { code, stdout, stderr } = await on(ini(), 'attach', 'articles', 'slug', '--url', '/{slug}', '--ini');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('url[] = /{slug}\n');
});

it('takes tags, reads them, and shows them in what is next', async () => {
  await client.query(articles);
  const tag = ['--tag', 'article-{slug}', 'section-{section}'];
  const section = await on(ini(), 'attach', ...key, ...tag, '--ini');
  expect(section).toMatchObject({ code: 0, stderr: '' });
  expect(section.stdout).toContain('tag[] = article-{slug}\ntag[] = section-{section}\n');
  const sql = await on(ini(), 'attach', ...key, ...tag);
  expect(sql.stderr).toContain(`--tag 'article-{slug}' --tag 'section-{section}' --ini`);
  expect(await on(ini(), 'attach', 'articles', 'slug', '--tag', 'article {name}', '--ini')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/the tag "article \{name\}" has characters that no tag can have/),
  });
});

it('works without a configuration, by the variables of libpq, as a role that may do nothing else', async () => {
  const role = `attach_least_${process.pid}`;
  await client.query(`
    ${articles};
    CREATE ROLE ${role} LOGIN;
    GRANT SELECT ON public.listen_for TO ${role};
    GRANT INSERT ON articles TO ${role}`);
  const { host, port, password } = database.config;
  const env = {
    PGHOST: host,
    PGPORT: String(port),
    PGDATABASE: database.name,
    PGUSER: role,
    PGPASSWORD: String(password ?? ''),
    PGSSLMODE: 'disable',
    UNCACHED_CONFIG: '',
  };
  try {
    const ended = await uncached(['attach', ...key], env);
    // It cannot even use the schema; the table's name is found in the search_path all the same only if it may.
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('write site.articles') });
    await client.query(`GRANT USAGE ON SCHEMA site TO ${role}`);
    const again = await uncached(['attach', ...key], env);
    expect(again, again.stderr).toMatchObject({ code: 0 });
    await client.query(again.stdout);
    await client.query(`SET ROLE ${role}; INSERT INTO articles VALUES (1, 'news', 'a'); RESET ROLE`);
    expect(await taken()).toEqual(['news/a']);
  } finally {
    await client.query(`RESET ROLE; DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});
