import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { lastWill } from '../last-will.ts';
import { withClient } from '../postgres/connection.ts';
import { freePort } from '../postgres/free-port.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { environmentFor, programs, schemaWith } from './doc-blocks.ts';
import { ensureNotify } from './notify.ts';

const database = testDatabase();
const query = (sql: string) => withClient(database.config, (client) => client.query(sql));

it.each(['with-node.mjs', 'with-express.mjs', 'with-fastify.mjs'])(
  '%s of doc/memory-cache.md answers 304 until the article changes',
  async (program) => {
    await withClient(database.config, async (client) => {
      await ensureNotify(client);
      await client.query(`DROP TABLE IF EXISTS articles; ${schemaWith('articles')}`);
      await client.query(`INSERT INTO articles VALUES ('hello', 'Hello'), ('other', 'Other')`);
    });
    const { folder, remove } = programs();
    onTestFinished(remove);
    const port = await freePort();
    const child = spawn(process.execPath, [program], {
      cwd: folder,
      env: { ...environmentFor(database.config), PORT: String(port) },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const revoke = lastWill('kill -9 "$1"', String(child.pid));
    onTestFinished(async () => {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      revoke();
    });
    /** Not by fetch, which adds Cache-Control: no-cache where it is given a tag. */
    const get = async (slug: string, ifNoneMatch?: string) => {
      const headers = ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch };
      const [response] = (await once(request({ port, path: `/${slug}`, headers }).end(), 'response')) as [
        IncomingMessage,
      ];
      return {
        status: response.statusCode,
        etag: response.headers.etag ?? '',
        control: response.headers['cache-control'],
        body: (await response.setEncoding('utf8').toArray()).join(''),
      };
    };
    const first = await eventually(
      'answering',
      () => get('hello').catch(() => undefined),
      async () => `exit code ${child.exitCode}`,
    );
    expect(first).toMatchObject({ status: 200, control: 'no-cache', body: '<h1>Hello</h1>' });
    expect(first.etag).toMatch(/^"[\w-]{27}"$/);
    const other = await get('other');
    const unchanged = { status: 304, etag: first.etag, control: 'no-cache', body: '' };
    expect(await get('hello', first.etag)).toEqual(unchanged);
    expect(await get('hello', `W/"x", W/${first.etag}`)).toEqual(unchanged);
    await query(`UPDATE articles SET title = 'Changed' WHERE slug = 'hello'`);
    const changed = await eventually(
      'changed',
      async () => {
        const answer = await get('hello', first.etag);
        return answer.status === 200 ? answer : undefined;
      },
      async () => 'still 304',
    );
    expect(changed.body).toBe('<h1>Changed</h1>');
    expect((await get('hello', changed.etag)).status).toBe(304);
    expect((await get('other', other.etag)).status).toBe(304);
  },
);
