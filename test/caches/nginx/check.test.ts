import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { database, site } from '../../cli/site-and-database.ts';
import { cacheFile, storePage } from '../../filesystem/zone/cache-file.ts';
import { iniFor } from '../../site.ts';
import { uncached } from '../../uncached.ts';

let zone: string;
beforeEach(() => {
  zone = join(dirname(site.root), 'zone');
  mkdirSync(zone);
});

const handlers = `
[handler.listen_port]
queue = cache_clearing_ports
url[] = /{category}/{port}/
`;

const section = ({ path = zone, more = '', levels = '1:2' } = {}) => `
[nginx.pages]
path = ${path}
levels = ${levels}
key[] = httpsGETwww.example.org{url}
${more}`;

async function check(more = section(), other = handlers): Promise<{ stdout: string; code: number | null }> {
  const file = site.configure(iniFor(site, database.config, { handlers: other, more }));
  return await uncached(['--config', file, 'check']);
}

it('says nothing of a zone whose pages have the keys', async () => {
  storePage(zone, 'httpsGETwww.example.org/net/rsync/');
  const { stdout } = await check();
  expect(stdout).not.toContain('nginx');
});

it('names a path that is not there, and one that contains root or lies in it', async () => {
  expect((await check(section({ path: `${zone}/none` }))).stdout).toContain(
    `[nginx.pages] path = ${zone}/none: ENOENT, it is not there: nginx makes it when it starts`,
  );
  for (const path of [site.root, `${site.root}/below`, dirname(site.root)]) {
    const { stdout, code } = await check(section({ path }));
    expect(stdout).toContain(
      `[nginx.pages] path = ${path}: it and [cache] root = ${site.root} must not contain`,
    );
    expect(code).toBe(2);
  }
  rmSync(zone, { recursive: true });
  symlinkSync(site.root, zone);
  expect((await check()).stdout).toContain('by their real paths');
});

it('compares levels with the tree', async () => {
  storePage(zone, 'httpsGETwww.example.org/net/rsync/');
  expect((await check(section({ levels: '2:2' }))).stdout).toMatch(
    /\[nginx\.pages\] levels = 2:2: \S+zone has the directory \w, which does not fit "levels"/,
  );
});

it('compares keys with the pages, and tells the newest', async () => {
  const old = storePage(zone, 'httpGETold.example.org/');
  utimesSync(old, 1, 1);
  storePage(zone, 'httpGETexample.org/net/rsync/');
  expect((await check()).stdout).toContain(
    `[nginx.pages] of 2 pages looked at in ${zone}, none has a key like httpsGETwww.example.org/…; the newest has httpGETexample.org/net/rsync/: compare key[] with proxy_cache_key`,
  );
  storePage(zone, 'httpsGETwww.example.org/about');
  const { stdout } = await check();
  expect(stdout).not.toContain('none has a key');
  expect(stdout).toContain('notice: [nginx.pages] of 3 pages looked at');
  expect(stdout).toContain('none is named by a url[] line');
});

it('tells of variants, and of files that are no pages', async () => {
  const key = 'httpsGETwww.example.org/net/rsync/';
  storePage(zone, key, { file: cacheFile(key, { vary: 'Accept-Encoding' }) });
  storePage(zone, 'newer', { file: cacheFile('newer', { version: 6 }) });
  const { stdout } = await check();
  expect(stdout).toContain('1 vary by Accept-Encoding: of each only the variant that was asked for first');
  expect(stdout).toMatch(
    /notice: \[nginx\.pages\] 1 file with the name of a page, such as \S+, is none that/,
  );
});

it('tells of a zone that no handler feeds', async () => {
  const other = '[handler.listen_port]\nqueue = cache_clearing_ports\nclear[] = ports/{category}/{port}/*\n';
  expect((await check(section(), other)).stdout).toContain(
    '[nginx.pages] is cleared for nothing: no handler has url[] lines',
  );
});

it.skipIf(process.getuid?.() !== 0)('says how to get the rights, without them', async () => {
  const path = storePage(zone, 'httpsGETwww.example.org/net/rsync/');
  for (const one of [path, dirname(path), dirname(dirname(path)), zone]) chownSync(one, 33, 33);
  chmodSync(path, 0o600);
  const file = site.configure(iniFor(site, database.config, { handlers, more: section() }));
  for (const one of [dirname(site.root), site.root]) chmodSync(one, 0o755);
  const account = { uid: 65_534, gid: 65_534 };
  const asNobody = async () => (await uncached(['--config', file, 'check'], {}, { account })).stdout;
  expect(await asNobody()).toContain(
    `[nginx.pages] this account cannot clear ${path}, since it may not write it: run`,
  );
  chmodSync(zone, 0o700);
  expect(await asNobody()).toContain(
    `[nginx.pages] path = ${zone}: EACCES, this account may not: run the daemon as`,
  );
});

it('check and run name every mistake in a section', async () => {
  const wrong = section({
    levels: '3:1',
    more: 'how = gently\nkey[] = k\nkey[] = $scheme{url}\nafter = purge.x',
  });
  const { stdout, code } = await check(`${wrong}\n[nginx.empty]\nlevels = 1\n`);
  for (const problem of [
    '[nginx.pages] levels = 3:1: must be as in proxy_cache_path',
    'how = gently: must be one of spoil, unlink, soft',
    'key = k: must have {url} once',
    'key = $scheme{url}: has $scheme: write what nginx puts there',
    '[nginx.pages] after = purge.x: there is no such section',
    '[nginx.empty] path is missing',
    '[nginx.empty] key is missing',
  ])
    expect(stdout).toContain(problem);
  expect(code).toBe(2);
});

it('a section is printed as it is read', async () => {
  const file = site.configure(
    iniFor(site, database.config, { handlers, more: section({ more: 'how = unlink\nlag = 5s' }) }),
  );
  const { stdout } = await uncached(['--config', file, 'config']);
  expect(stdout).toContain(
    `[nginx.pages]\npath = ${zone}\nlevels = 1:2\nkey[] = httpsGETwww.example.org{url}\nhow = unlink\nvariants = no\nlag = 5s\n`,
  );
});
