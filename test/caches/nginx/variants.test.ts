import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { client, enqueuePort, site } from '../../cli/running.ts';
import { database } from '../../cli/site-and-database.ts';
import { iniFor } from '../../site.ts';
import { uncached } from '../../uncached.ts';
import { makeNginx, type Nginx, nginxFound } from './nginx.ts';

let origin: Server;
let version: number;
let nginx: Nginx;

beforeEach(async () => {
  version = 1;
  origin = createServer((message, response) => {
    const headers = { 'cache-control': 'max-age=3600', vary: 'Accept-Language' };
    response.writeHead(200, headers).end(`${message.headers['accept-language']} ${version}`);
  });
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  nginx = await makeNginx(
    (folder, [port]) => `
proxy_cache_path ${folder}/pages levels=1:2 keys_zone=pages:1m use_temp_path=off;
server {
  listen 127.0.0.1:${port};
  location / {
    proxy_pass http://127.0.0.1:${(origin.address() as AddressInfo).port};
    proxy_cache pages;
    proxy_cache_key "$host$request_uri";
  }
}`,
  );
});
afterEach(async () => {
  await nginx.remove();
  origin.close();
});

const languages = ['de', 'en', 'fr'];

/** One after the other: nginx learns from the first response that the page has variants. */
async function pages(path = '/net/rsync/'): Promise<string[]> {
  const all: string[] = [];
  for (const language of languages) {
    const response = await fetch(`${nginx.address()}${path}`, { headers: { 'accept-language': language } });
    all.push(await response.text());
  }
  return all;
}

const versions = (...all: number[]) => languages.map((language, at) => `${language} ${all[at]}`);

const handlers = `
[handler.listen_port]
queue = cache_clearing_ports
url[] = /{category}/{port}/
`;

const configure = (variants: string) =>
  site.configure(
    iniFor(site, database.config, {
      handlers,
      more: `[nginx.pages]\npath = ${nginx.folder}/pages\nlevels = 1:2\nkey[] = 127.0.0.1{url}\nlag = 0s\n${variants}`,
    }),
  );

async function drain(file: string): Promise<void> {
  await enqueuePort('net', 'rsync');
  expect(await uncached(['--config', file, 'drain'])).toMatchObject({ code: 0, stderr: '' });
}

describe.skipIf(!nginxFound)('the variants of a page', () => {
  it('stay where only the file of the key is cleared, which check tells of', async () => {
    await nginx.start();
    const file = configure('');
    await drain(file);
    // Who comes first gets the name that follows from the key.
    expect(await pages()).toEqual(versions(1, 1, 1));
    version = 2;
    await drain(file);
    expect(await pages()).toEqual(versions(2, 1, 1));
    const { stdout } = await uncached(['--config', file, 'check']);
    expect(stdout).toContain('vary by Accept-Language: of each only the variant that was asked for first');
    expect(stdout).toContain('set variants = scan');
  });

  it('all go with "variants = scan", and no other page', async () => {
    await nginx.start();
    const file = configure('variants = scan');
    await drain(file);
    expect([...(await pages()), ...(await pages('/other/'))]).toEqual([
      ...versions(1, 1, 1),
      ...versions(1, 1, 1),
    ]);
    version = 2;
    await drain(file);
    expect([...(await pages()), ...(await pages('/other/'))]).toEqual([
      ...versions(2, 2, 2),
      ...versions(1, 1, 1),
    ]);
    version = 3;
    const byHand = ['--config', file, 'clear', 'listen_port', 'category=net', 'port=rsync'];
    expect(await uncached(byHand)).toMatchObject({ code: 0, stderr: '', stdout: 'deleted 3 files\n' });
    expect(await pages()).toEqual(versions(3, 3, 3));
    const { stdout } = await uncached(['--config', file, 'check']);
    expect(stdout).not.toContain('vary by');
    expect((await client.query('SELECT FROM uncached.failing')).rows).toEqual([]);
  });
});
