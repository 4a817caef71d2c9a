import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { client, database, site } from '../cli/site-and-database.ts';
import { iniFor } from '../site.ts';
import { uncached } from '../uncached.ts';
import { type CdnStandIn, startFastly } from './cdn-stand-in.ts';

/* The quick start for a CDN in doc/caches.md, followed word for word; the CDN is a stand-in. */

const [, chapter = ''] = /\n## A CDN\n(.*?)\n## /s.exec(readFileSync('doc/caches.md', 'utf8')) ?? [];
const blocks = (language: string) =>
  Array.from(chapter.matchAll(/```(\w+)\n(.*?)\n```/gs)).flatMap(([, name, text = '']) =>
    name === language ? [text] : [],
  );
const [section = ''] = blocks('ini');
const keyFile = '/usr/local/etc/uncached-fastly.key';

let cdn: CdnStandIn;
let file: string;

beforeEach(async () => {
  cdn = await startFastly();
  await client.query(`
    CREATE TABLE cache_clearing_articles
      (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, date_added timestamptz DEFAULT clock_timestamp(), slug text);
    INSERT INTO listen_for (name, script_name) VALUES ('article_updated', 'articles')`);
  const key = join(dirname(site.root), 'key');
  writeFileSync(key, 's3cret\n', { mode: 0o640 });
  const more = section.replace('https://api.fastly.com', cdn.address).replace(keyFile, key);
  file = site.configure(iniFor(site, database.config, { handlers: '', more }));
});
afterEach(async () => {
  cdn.close();
  await client.query(
    `DROP TABLE cache_clearing_articles; DELETE FROM listen_for WHERE script_name = 'articles'`,
  );
});

const run = (...words: string[]) => uncached(['--config', file, ...words]);

it('checks, and purges a tag by hand, with the commands that stand there', async () => {
  const commands = (blocks('sh')[1] ?? '').split('\n').map((line) => line.split(' '));
  expect(commands.map(([program, command]) => `${program} ${command}`)).toEqual([
    'uncached check',
    'uncached clear',
  ]);
  cdn.cached.add('article-spring').add('article-other');
  const [check = [], clear = []] = commands.map((words) => words.slice(1));
  const { stdout } = await run(...check);
  expect(stdout).not.toMatch(/purge|fastly/i);
  expect(await run(...clear)).toMatchObject({ code: 0, stderr: '' });
  expect([...cdn.cached]).toEqual(['article-other']);
  expect(cdn.requests).toEqual([1]);
});

it('reads the key from the file that the command there makes', () => {
  expect(blocks('sh')[0]).toContain(keyFile);
  expect(section).toContain(`{file:${keyFile}}`);
});

it('empties the CDN at first, and then purges each change twice, those that come together in one request', async () => {
  file = site.configure(readFileSync(file, 'utf8').replace('\n[handler.', 'lag = 1s\n[handler.'));
  cdn.cached.add('from-before');
  expect(await run('drain')).toMatchObject({ code: 0, stderr: '' });
  expect([...cdn.cached]).toEqual([]);
  await client.query(
    `INSERT INTO cache_clearing_articles (slug) SELECT 'a' || nth FROM generate_series(1, 200) AS nth`,
  );
  cdn.cached.add('article-a1').add('article-a200').add('article-b');
  expect(await run('drain')).toMatchObject({ code: 0, stderr: '' });
  expect([...cdn.cached]).toEqual(['article-b']);
  expect(cdn.requests).toEqual([200, 200]);
});
