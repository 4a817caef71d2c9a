import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { testDatabase } from '../postgres/test-database.ts';
import { blocksIn, environmentFor, programs } from './doc-blocks.ts';

const database = testDatabase();

/** What doc/memory-cache.md only shows a piece of, with what it leaves to the reader around it. */
async function run(piece: string, before: string, after: string): Promise<string[]> {
  const text = blocksIn('js').find((block) => block.includes(piece));
  expect(text, piece).toBeDefined();
  const { folder, remove } = programs();
  onTestFinished(remove);
  const root = mkdtempSync(join(tmpdir(), 'uncached-memory-cache-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  writeFileSync(
    join(folder, 'piece.mjs'),
    `${before}\n${String(text).replace('/var/cache/site', root)}\n${after}`.replaceAll('ROOT', root),
  );
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['piece.mjs'], {
    cwd: folder,
    env: environmentFor(database.config),
  });
  expect(stderr).toBe('');
  return stdout.split('\n').slice(0, -1);
}

it('a page cache with a memory cache before it, as in doc/memory-cache.md', async () => {
  const before = `
    import pg from 'pg';
    import { rmSync } from 'node:fs';
    const connection = {};
    const onError = (error) => console.error(error);
    let rendered = 0;
    const renderArticle = async (slug) => \`\${slug} \${(rendered += 1)}\`;`;
  const after = `
    const path = 'articles/news/hello.html';
    const render = (page) => {
      page.dependsOn('article_changed', { slug: 'hello' });
      return renderArticle('hello');
    };
    const show = (page) => console.log(String(page.body), page.outcome);
    // The first call came before it listened.
    console.log(outcome, String(body));
    await memory.current();
    show(await pages.page(path, render));
    rmSync('ROOT/' + path);
    show(await pages.page(path, render));
    show(await pages.page(path, render));
    const db = new pg.Client();
    await db.connect();
    await db.query(\`SELECT pg_notify('article_changed', '{"slug": "hello"}')\`);
    await memory.current();
    // The daemon has not cleared it yet. So it is not kept in memory.
    show(await pages.page(path, render));
    show(await pages.page(path, render));
    rmSync('ROOT/' + path);
    show(await pages.page(path, render));
    show(await pages.page(path, render));
    await db.end();
    await memory.close();`;
  expect(await run('layeredPages({', before, after)).toEqual([
    'stored hello 1',
    'hello 1 hit',
    'hello 2 stored',
    'hello 2 memory',
    'hello 2 hit',
    'hello 2 hit',
    'hello 3 stored',
    'hello 3 memory',
  ]);
});

it('whole pages with their ETags, as in doc/memory-cache.md', async () => {
  const before = `
    import { etagOf, memoryCache, notModified } from 'uncached/memory-cache';
    const pages = memoryCache({ connection: {}, channels: ['c'], onError: (error) => console.error(error) });
    await pages.current();
    const key = 'a';
    const render = async () => 'body';
    const response = {
      writeHead(status, headers) {
        console.log(status, JSON.stringify(headers));
        return { end: (body) => console.log(body) };
      },
    };
    for (const request of [{ headers: {} }, { headers: { 'if-none-match': etagOf('body') } }]) {`;
  const seen = await run('etag: etagOf(body)', before, '}\nawait pages.close();');
  expect(seen.map((line) => line.replace(/"\\"[\w-]{27}\\""/, 'TAG'))).toEqual([
    '200 {"etag":TAG}',
    'body',
    '304 {"etag":TAG}',
    'undefined',
  ]);
});
