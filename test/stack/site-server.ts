import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { pageCache } from '../../src/page-cache/page-cache.ts';
import { type Article, mayBeKept, type SiteSetting } from './article.ts';

/**
 * A web server of the site. It keeps its pages below root, those with even numbers by the protocol of
 * doc/writers.md, the others as a site that cannot change; and it lets the caches in front of it keep them.
 */
const { port, root, connection, settleMs } = JSON.parse(process.argv[2] ?? '') as SiteSetting;

const pool = new pg.Pool({ ...connection, max: 4, application_name: 'site' });
pool.on('error', () => {});
const fenced = pageCache({ root, onError: () => {} });
let files = 0;

/** Slow now and then. */
async function render(id: number): Promise<Buffer> {
  const readAt = Date.now();
  const { rows } = await pool.query<{ version: number }>('SELECT version FROM article WHERE id = $1', [id]);
  if (Math.random() < 0.5) await wait(Math.random() * 0.25 * settleMs);
  return Buffer.from(JSON.stringify({ id, version: rows[0]?.version ?? -1, readAt } satisfies Article));
}

async function unfenced(path: string, id: number): Promise<Buffer> {
  const file = join(root, path);
  const kept = await readFile(file).catch(() => undefined);
  if (kept) return kept;
  const spool = join(root, 'spooling', `${process.pid}-${files++}`);
  const body = await render(id);
  await writeFile(spool, body);
  mkdirSync(dirname(file), { recursive: true });
  // Both are synchronous: nothing may run between the check and the rename.
  if (mayBeKept(body, settleMs)) renameSync(spool, file);
  else rmSync(spool);
  return body;
}

async function page(url: string): Promise<{ body: Buffer; kept: boolean }> {
  const [, number] = /^\/articles\/(\d+)$/.exec(url) ?? [];
  if (number === undefined) throw new Error(`there is no page ${url}`);
  const id = Number(number);
  const path = `articles/${id}.html`;
  const begun = Date.now();
  const known = existsSync(join(root, path));
  const body = id % 2 === 0 ? (await fenced.page(path, () => render(id))).body : await unfenced(path, id);
  // A page from disk was stale for a moment at most when it was read.
  return { body, kept: known ? Date.now() - begun < 0.5 * settleMs : mayBeKept(body, settleMs) };
}

const server = createServer((request, response) => {
  page(request.url ?? '').then(
    ({ body, kept }) =>
      response.writeHead(200, { 'cache-control': kept ? 'max-age=3600' : 'no-store' }).end(body),
    (error: Error) => response.writeHead(503, { 'cache-control': 'no-store' }).end(error.message),
  );
});
server.keepAliveTimeout = 60_000;
server.listen(port, '127.0.0.1', () => process.send?.('listening'));
process.on('disconnect', () => process.exit());
