import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemWalk } from '../../../src/filesystem/walk/walk.ts';
import { clearKeys, findKeys } from '../../../src/filesystem/zone/clear-zone.ts';
import { get, type Origin, startOrigin } from '../purge/varnish.ts';
import { makeNginx, type Nginx, nginxFound } from './nginx.ts';

const all = ['', '1', '2', '1:2', '2:2', '1:2:2', '2:1:1', '1:1:1'];
const numbers = (levels: string) => (levels === '' ? [] : levels.split(':').map(Number));

let origin: Origin;
let nginx: Nginx;

beforeEach(async () => {
  origin = await startOrigin();
  nginx = await makeNginx((folder, [port]) => {
    const paths = all.map(
      (levels, at) =>
        `proxy_cache_path ${folder}/zone${at} ${levels === '' ? '' : `levels=${levels}`} keys_zone=zone${at}:1m;`,
    );
    const places = all.map(
      (_levels, at) =>
        `location /${at}/ { proxy_pass http://127.0.0.1:${origin.port}; proxy_cache zone${at}; proxy_cache_key "é $request_uri"; }`,
    );
    return `${paths.join('\n')}\nserver { listen 127.0.0.1:${port}; ${places.join('\n')} }`;
  });
});
afterEach(async () => {
  await nginx.remove();
  origin.close();
});

describe.skipIf(!nginxFound)("nginx's file of a page", () => {
  it.each(all.map((levels, at) => [levels, at] as const))(
    'is found by the levels "%s"',
    async (levels, at) => {
      await nginx.start();
      const urls = ['/', '/a+b?x=%C3%A9&y', '/caf%C3%A9/..%2F'].map((url) => `/${at}${url}`);
      for (const url of urls) expect(await get(nginx.address(), url)).toBe('version 1');
      const zone = join(nginx.folder, `zone${at}`);
      const named = { levels: numbers(levels), keys: urls.map((url) => `é ${url}`) };
      const { found } = findKeys(zone, named, systemWalk());
      expect(found.map(({ key }) => key).sort()).toEqual(named.keys.toSorted());
      expect(found.every(({ path }) => existsSync(join(zone, path)))).toBe(true);
      expect(clearKeys(zone, { ...named, how: 'spoil' }, systemWalk())).toEqual({ files: 3, failures: [] });
      origin.version = 2;
      for (const url of urls) expect(await get(nginx.address(), url)).toBe('version 2');
    },
  );
});
