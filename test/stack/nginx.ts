import { join } from 'node:path';
import { makeNginx, nginxFound } from '../caches/nginx/nginx.ts';
import type { Part } from './parts.ts';

interface Front extends Part {
  readonly port: number;
  readonly address: string;
  /** What a configuration needs to clear its zone. */
  readonly section: string;
  remove(): Promise<void>;
}

/** An nginx with a disk cache in front of a server on 127.0.0.1, not started yet; undefined where there is no nginx. */
export async function nginxInFront(originPort: number): Promise<Front | undefined> {
  if (!nginxFound) return undefined;
  const nginx = await makeNginx(
    (folder, [port]) => `
proxy_cache_path "${folder}/zone" levels=1:2 keys_zone=pages:1m use_temp_path=off;
server {
  listen 127.0.0.1:${port};
  location / {
    proxy_pass http://127.0.0.1:${originPort};
    proxy_cache pages;
    proxy_cache_key $request_method$host$request_uri;
    add_header X-Cache $upstream_cache_status;
  }
}`,
  );
  const { start, kill, remove } = nginx;
  const address = nginx.address();
  return {
    name: 'nginx',
    port: Number(new URL(address).port),
    address,
    section: `[nginx.pages]
path = ${join(nginx.folder, 'zone')}
levels = 1:2
key = GETwww.example.org{url}`,
    start,
    kill,
    remove,
  };
}
