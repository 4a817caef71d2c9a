import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { get, type Origin, startOrigin } from '../caches/purge/varnish.ts';
import { lastWill } from '../last-will.ts';
import { freePort } from '../postgres/free-port.ts';
import { openRecipe, otherSide } from './recipe.ts';

const module = '/usr/lib/nginx/modules/ngx_http_cache_purge_module.so';
const parts = { to: 'and, where the pages are cached' };

let folder: string;
let origin: Origin;
let nginx: ChildProcess;
let site: string;
let purge: string;

const answers = (address: string) =>
  fetch(address).then(
    () => true,
    () => false,
  );

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'uncached-nginx-'));
  mkdirSync(join(folder, 'pages'));
  origin = await startOrigin();
  const [sitePort, purgePort] = [await freePort(), await freePort()];
  site = `http://127.0.0.1:${sitePort}`;
  purge = `http://127.0.0.1:${purgePort}`;
  const server = otherSide('nginx-purge-module', parts)
    .replace('/var/cache/nginx/pages', join(folder, 'pages'))
    .replace('127.0.0.1:8081', `127.0.0.1:${purgePort}`);
  writeFileSync(
    join(folder, 'nginx.conf'),
    `load_module ${module};
daemon off; master_process on; worker_processes 1; pid ${folder}/pid; ${process.getuid?.() === 0 ? 'user root;' : ''}
events {}
http {
  access_log off;
${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((one) => `  ${one}_temp_path ${folder}/${one};`).join('\n')}
${server}
  server {
    listen 127.0.0.1:${sitePort};
    location / {
      proxy_pass http://127.0.0.1:${origin.port};
${otherSide('nginx-purge-module', { from: parts.to })}
    }
  }
}
`,
  );
  if (!existsSync(module)) return;
  const where = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')];
  nginx = spawn('nginx', where, { stdio: 'ignore' });
  lastWill('kill "$1"', String(nginx.pid));
  while (!(await answers(purge)))
    await new Promise((later, fail) =>
      nginx.exitCode === null ? setTimeout(later, 50) : fail(new Error('nginx has ended')),
    );
});
afterEach(async () => {
  if (nginx?.exitCode === null) {
    nginx.kill('SIGTERM');
    await once(nginx, 'exit');
  }
  origin.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(!existsSync(module))('the recipe for nginx with its purge module', () => {
  it('purges exactly the pages that it names, and takes those that are not cached for gone', async () => {
    const cache = openRecipe('nginx-purge-module', purge);
    const gone = ['/articles/a', '/libsigc%2B%2B/', '/a%20b?c=d'];
    const stay = ['/articles/ab', '/libsigc++/', '/a%20b'];
    const versions = async (urls: string[]) => Promise.all(urls.map((url) => get(site, url)));
    await versions([...gone, ...stay]);
    origin.version = 2;
    expect(await versions(gone)).toEqual(gone.map(() => 'version 1'));
    expect(await cache.clear([...gone, '/absent'])).toEqual({ files: 0, failures: [] });
    expect(await versions(gone)).toEqual(gone.map(() => 'version 2'));
    expect(await versions(stay)).toEqual(stay.map(() => 'version 1'));
  });

  it('is down where the location is missing', async () => {
    await expect(openRecipe('nginx-purge-module', site).clear(['/articles/a'])).rejects.toThrow(
      'not what "expect" asks for',
    );
  });
});
