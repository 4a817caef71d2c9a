import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, get, type IncomingMessage } from 'node:http';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { makeNginx, nginxFound } from '../test/caches/nginx/nginx.ts';
import { startOrigin } from '../test/caches/purge/varnish.ts';
import { storePage } from '../test/filesystem/zone/cache-file.ts';
import type { World } from './world.ts';

export const zoneLevels = [1, 2];

export interface Zone {
  readonly path: string;
  readonly writer: string;
  /** Makes as many valid files, always the same ones. Resolves with their keys. */
  fill(count: number): Promise<string[]>;
  close(): Promise<void>;
}

/** On disk, where nginx has its zones: one of a real nginx; where it is not installed, files as it writes them. */
export async function openZone({ disk, memory }: World, say: (line: string) => void): Promise<Zone> {
  const parent = disk?.path ?? dirname(memory);
  if (nginxFound) return await openNginx(parent);
  say('  NOT NGINX: it is not here (Debian: nginx): files as it writes them are cleared');
  const path = mkdtempSync(join(parent, 'uncached-zone-'));
  return {
    path,
    writer: 'files as nginx writes them, as it is not installed',
    fill: async (count) =>
      keysOf(count).map((key) => {
        storePage(path, key, { levels: zoneLevels });
        return key;
      }),
    close: async () => rmSync(path, { recursive: true }),
  };
}

const keysOf = (count: number) => Array.from({ length: count }, (_, nth) => `/ports/www/port-${nth}/`);

async function openNginx(parent: string): Promise<Zone> {
  const origin = await startOrigin();
  const nginx = await makeNginx(
    (folder, [port]) => `
proxy_cache_path ${folder}/zone levels=${zoneLevels.join(':')} keys_zone=zone:10m use_temp_path=off;
server {
  listen 127.0.0.1:${port};
  location / {
    proxy_pass http://127.0.0.1:${origin.port};
    proxy_cache zone; proxy_cache_key "$request_uri";
  }
}`,
    { parent },
  );
  await nginx.start();
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  return {
    path: join(nginx.folder, 'zone'),
    writer: 'nginx',
    async fill(count) {
      const keys = keysOf(count);
      await Promise.all(keys.map((key) => read(`${nginx.address()}${key}`, agent)));
      // A reader may have the whole response a moment before its file is in its place.
      await wait(50);
      return keys;
    },
    async close() {
      agent.destroy();
      await nginx.remove();
      origin.close();
    },
  };
}

function read(url: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const onResponse = (response: IncomingMessage) =>
      response.resume().on('end', resolve).on('error', reject);
    get(url, { agent }, onResponse).on('error', reject);
  });
}
