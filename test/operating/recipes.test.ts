import { readFileSync } from 'node:fs';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { unsettled } from '../postgres/unsettled.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { type LogLine, type RunningDaemon, startUncached, uncached } from '../uncached.ts';
import { blocksOf } from './blocks.ts';

/**
 * doc/recipes.md: all of its blocks together on one database with one daemon. Each case says which pages a
 * change clears.
 */

const blocks = blocksOf(readFileSync('doc/recipes.md', 'utf8'));
const textsOf = (language: string, heading?: string) =>
  blocks
    .filter((block) => block.language === language && (heading ?? block.heading) === block.heading)
    .map(({ text }) => text);
const lastOf = (heading: string) => textsOf('sql', heading).at(-1) ?? '';

const database = testDatabase();
/** The daemon's role, with the rights that the recipes grant. */
const role = `recipes_${process.pid}`;
let client: Client;
let site: Site;
let file: string;
let daemon: RunningDaemon;

beforeAll(async () => {
  site = makeSite();
  // No sweep runs, so an entry without a notification would not be found.
  const options = { handlers: textsOf('ini').join('\n'), more: '[daemon]\nsweep = 1h' };
  file = site.configure(iniFor(site, { ...database.config, user: role }, options));
  client = new Client(database.config);
  await client.connect();
  await client.query(`CREATE ROLE ${role} LOGIN IN ROLE uncached`);
  await client.query(`SET TimeZone = 'UTC'; DELETE FROM listen_for`);
  for (const sql of textsOf('sql')) await client.query(sql);
  await client.query(`
    INSERT INTO authors (name) VALUES ('Ann Lee'), ('Bob');
    INSERT INTO tags (name) VALUES ('cats'), ('dogs');
    INSERT INTO articles (author_id, section, slug, title, published_at) VALUES
      (1, 'news', 'a', 'A', '2020-01-01 23:30+00'), (2, 'news', 'b', 'B', NULL), (2, 'pets', 'c', 'C', '2020-03-03 12:00+00');
    INSERT INTO article_tags VALUES (1, 1), (3, 2);
    INSERT INTO comments (article_id, body) VALUES (1, 'first');
    INSERT INTO sections VALUES ('news', 'News', NULL), ('cats', 'Cats', 'news'), ('lions', 'Lions', 'cats'), ('dogs', 'Dogs', NULL);
    INSERT INTO index_bases VALUES ('i', 'base'), ('j', 'i')`);
  daemon = startUncached(file);
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
  await untilIdle();
});
afterAll(async () => {
  await daemon?.stop();
  await client?.query(`DROP ROLE ${role}`);
  await client?.end();
  site?.remove();
});

/** Resolves when every entry has been claimed, cleared and settled. */
async function untilIdle(): Promise<void> {
  const queues = textsOf('ini').flatMap((ini) => /^queue = (.*)$/m.exec(ini)?.[1] ?? []);
  const rows = [
    `SELECT 'the log' AS "table", to_jsonb(unsettled) AS row FROM ${unsettled}`,
    ...queues.map((table) => `SELECT '${table}', to_jsonb(t) FROM ${table} AS t`),
  ].join(' UNION ALL ');
  await eventually(
    'idle',
    async () => ((await client.query(rows)).rowCount === 0 ? true : undefined),
    async () => JSON.stringify((await client.query(rows)).rows),
  );
}

const articles = ['articles/news/a.html', 'articles/news/b.html', 'articles/pets/c.html'];
const moved = ['articles/pets/z.html', 'articles/news/z.html'];
const authors = ['authors/ann-lee.html', 'authors/bob.html', 'authors/cy.html'];
const archive = ['archive/2020/01/01.html', 'archive/2020/01/02.html', 'archive/2020/03/03.html'];
const newsLists = ['lists/news/index.html', 'lists/news/page-2.html', 'lists/news/page-10.html'];
const lists = [...newsLists, 'lists/pets/index.html'];
const cats = ['tags/cats.html', 'tags/index-C.html'];
const dogs = ['tags/dogs.html', 'tags/index-D.html'];
const bees = ['tags/bees.html', 'tags/index-B.html'];
const feeds = ['feed.xml', 'index.html'];
const sections = ['sections/news.html', 'sections/cats.html', 'sections/lions.html', 'sections/dogs.html'];
const simple = ['base', 'i', 'j', 'k'].flatMap((index) =>
  ['x', 'y'].map((project) => `simple/${index}/${project}.html`),
);
const everything = [
  ...[articles, moved, authors, archive, lists, cats, dogs, bees, feeds].flat(),
  ...sections,
  ...simple,
];
const [articleA = '', articleB = '', articleC = ''] = articles;
const [annLee = '', , cy = ''] = authors;
/** In Berlin it is already the next day. */
const dayOfA = 'archive/2020/01/02.html';
/** Other pages that show C. */
const changeOfC = [...dogs, 'lists/pets/index.html', 'archive/2020/03/03.html', ...feeds];

const replicate = (change: string) =>
  `SET session_replication_role = replica; ${change}; RESET session_replication_role`;

it.each<readonly [recipe: string, change: string, cleared: readonly string[]]>([
  ['A view counter must not clear the page', 'UPDATE articles SET views = views + 1', []],
  ['A view counter must not clear the page', `UPDATE articles SET body = 'new' WHERE slug = 'a'`, [articleA]],
  [
    'A view counter must not clear the page',
    `UPDATE articles SET author_id = 1 WHERE slug = 'b'`,
    [articleB],
  ],
  ['An ORM that writes every column', 'UPDATE authors SET name = name, last_seen = now()', []],
  ['An ORM that writes every column', `INSERT INTO authors (name) VALUES ('Cy')`, [cy]],
  ['An ORM that writes every column', `DELETE FROM authors WHERE name = 'Cy'`, [cy]],
  ['Generated columns', `UPDATE tags SET name = 'apes' WHERE name = 'dogs'`, [...dogs, articleC]],
  ['Many rows at once', `UPDATE tags SET name = 'dogs' WHERE name = 'apes'`, [...dogs, articleC]],
  ['Many rows at once', `INSERT INTO tags (name) VALUES ('bees')`, bees],
  ['Many rows at once', `DELETE FROM tags WHERE name = 'bees'`, bees],
  [
    'Lists and pagination, RSS and the front page',
    `INSERT INTO articles (section, slug, title) VALUES ('news', 'd', 'D')`,
    [...newsLists, ...feeds],
  ],
  ['Child to parent', `INSERT INTO comments (article_id) VALUES (2)`, [articleB]],
  ['Child to parent', `UPDATE comments SET article_id = 3 WHERE article_id = 2`, [articleB, articleC]],
  ['Parent to children', `UPDATE authors SET name = 'Ann  Lee!' WHERE id = 1`, [annLee, articleA, articleB]],
  ['Parent to children', `UPDATE sections SET title = 'Big' WHERE name = 'cats'`, sections.slice(1, 3)],
  ['Parent to children', `UPDATE sections SET parent = 'dogs' WHERE name = 'cats'`, sections.slice(1, 3)],
  ['Parent to children', `UPDATE sections SET title = 'All' WHERE name = 'dogs'`, sections.slice(1)],
  ['Many-to-many', `INSERT INTO article_tags VALUES (2, 2)`, [articleB, ...dogs]],
  ['Many-to-many', `UPDATE article_tags SET tag_id = 1 WHERE article_id = 2`, [articleB, ...cats, ...dogs]],
  ['Many-to-many', `DELETE FROM article_tags WHERE article_id = 2`, [articleB, ...cats]],
  ['Many-to-many', `UPDATE articles SET title = 'CC' WHERE slug = 'c'`, [articleC, ...changeOfC]],
  [
    'Inheritance',
    `INSERT INTO releases VALUES ('base', 'x', '1')`,
    simple.filter((page) => /(base|i|j).x/.test(page)),
  ],
  [
    'Inheritance',
    `INSERT INTO releases VALUES ('i', 'y', '1')`,
    simple.filter((page) => /[ij].y/.test(page)),
  ],
  [
    'Inheritance',
    `INSERT INTO index_bases VALUES ('i', 'k')`,
    simple.filter((page) => /\/[ij]\//.test(page)),
  ],
  [
    'Inheritance',
    `INSERT INTO releases VALUES ('k', 'x', '2')`,
    simple.filter((page) => /[ijk].x/.test(page)),
  ],
  [
    'Time zones',
    `UPDATE articles SET published_at = '2020-01-01 12:00+00' WHERE slug = 'a'`,
    ['archive/2020/01/01.html', dayOfA, ...newsLists, ...feeds],
  ],
  [
    'NULL keys',
    `UPDATE articles SET published_at = NULL WHERE slug = 'a'`,
    ['archive/2020/01/01.html', ...newsLists, ...feeds],
  ],
  ['Scheduled publication', lastOf('Scheduled publication'), [articleC, ...changeOfC]],
  ['Scheduled publication', lastOf('Scheduled publication'), []],
  ['Logical replication', replicate('INSERT INTO comments (article_id) VALUES (3)'), [articleC]],
  [
    'Logical replication',
    replicate(`UPDATE articles SET slug = 'z' WHERE slug = 'c'`),
    [articleC, 'articles/pets/z.html', ...changeOfC],
  ],
  ['All', `UPDATE articles SET section = 'news' WHERE slug = 'z'`, [...moved, ...changeOfC, ...newsLists]],
  ['All', `DELETE FROM articles WHERE slug = 'a'`, [articleA, ...cats, ...newsLists, ...feeds]],
  ['Clear everything after a deploy', lastOf('Clear everything after a deploy'), everything],
  ['TRUNCATE', 'TRUNCATE comments', everything],
])('%s: %s', async (_recipe, change, cleared) => {
  site.write(everything);
  await client.query(change);
  await untilIdle();
  const left = new Set(site.pages());
  expect(everything.filter((page) => !left.has(page))).toEqual(
    everything.filter((page) => cleared.includes(page)),
  );
});

it('TRUNCATE of tags is refused', async () => {
  await expect(client.query('TRUNCATE tags CASCADE')).rejects.toThrow(
    'TRUNCATE does not tell which rows it removes',
  );
});

it('leaves nothing for check to find, and no key is invalid', async () => {
  site.write(everything);
  const { code, stdout } = await uncached(['--config', file, 'check']);
  expect(stdout).toBe(`no problems: 12 handlers, root ${site.root}\n`);
  expect(code).toBe(0);
  // A server that is too busy to answer counts as unavailable.
  const complaint = ({ event, level }: LogLine) =>
    level > 30 && !['listener-lost', 'database-unavailable'].includes(event);
  expect(daemon.log.filter(complaint)).toEqual([]);
});
