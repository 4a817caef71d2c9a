import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { projectRoot } from '../postgres/project-root.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { connect } from '../sql/connect.ts';
import { install } from '../sql/sql-file.ts';
import { startUncached, uncached } from '../uncached.ts';

const database = testDatabase({ template: 'template0' });
const document = readFileSync(join(projectRoot, 'doc/barrier.md'), 'utf8');
const blocks = (language: string) =>
  [...document.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, text = '']) => text,
  );

let site: Site;
let client: Client;
let reader: Client;

beforeAll(async () => {
  site = makeSite();
  [client, reader] = [await connect(database.config), await connect(database.config)];
});
afterAll(async () => {
  await Promise.all([client.end(), reader.end()]);
  site.remove();
});

it('the recipe of doc/barrier.md works, word for word', async () => {
  const [table = '', trigger = '', query = '', transaction = '', call = '', xidColumn = '', rights = ''] =
    blocks('sql');
  const handlers = '[handler.articles]\nqueue = cache_clearing_articles\nclear[] = {section}/{slug}.html\n';
  const run = (...args: string[]) =>
    uncached([
      '--config',
      site.configure(iniFor(site, database.config, { handlers, settle: '100ms' })),
      ...args,
    ]);
  await install(client, { freshports: false });
  await client.query('CREATE TABLE articles (section text, slug text, title text)');
  await client.query((await run('attach', 'articles', 'section', 'slug')).stdout);
  await client.query((await run('schema', '--barrier')).stdout);
  await client.query(table);
  await client.query(trigger);

  const folder = join(projectRoot, 'build', `recipe-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'changes-after.mjs');
  writeFileSync(file, blocks('js').join('\n'));
  const { changesAfter } = await import(pathToFileURL(file).href);
  rmSync(folder, { recursive: true });

  await client.query(`INSERT INTO articles VALUES ('news', 'a', 'Old')`);
  await reader.query('LISTEN uncached_cleared');
  // No daemon runs, so its entry waits.
  expect((await reader.query(query, ['0', '0'])).rows).toEqual([]);
  expect(await changesAfter(reader, { xid: '0', id: '0' }, 100)).toEqual([]);
  const waiting = changesAfter(reader, { xid: '0', id: '0' });
  const daemon = startUncached(site.configure(iniFor(site, database.config, { handlers, settle: '100ms' })));
  try {
    const [first] = await waiting;
    expect(first).toMatchObject({ section: 'news', slug: 'a' });

    const told = await client.query(transaction);
    const results = told as unknown as { rows: { pg_current_xact_id?: string }[] }[];
    const xid = results[1]?.rows[0]?.pg_current_xact_id ?? '';
    const { rows } = await client.query(call.replace('1234', xid));
    expect(rows).toEqual([{ cleared: true }]);
    expect(await changesAfter(reader, first)).toMatchObject([{ xid, slug: 'a' }]);
    expect(await run('wait', '--xid', xid, '--timeout', '30s')).toMatchObject({ code: 0, stderr: '' });
  } finally {
    await daemon.stop();
  }
  await client.query('CREATE TABLE my_queue (id serial PRIMARY KEY, k text)');
  await client.query(xidColumn);
  await client.query(`CREATE ROLE ${'recipe_webapp'} LOGIN`);
  await client.query(rights.replace('webapp', 'recipe_webapp'));
  await client.query('DROP OWNED BY recipe_webapp; DROP ROLE recipe_webapp');
});
