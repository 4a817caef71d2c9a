import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { client, enqueuePort, site, start } from '../../cli/running.ts';
import { database } from '../../cli/site-and-database.ts';
import { eventually } from '../../faults/eventually.ts';
import { iniFor } from '../../site.ts';
import { uncached } from '../../uncached.ts';
import { get, type Origin, startOrigin } from '../purge/varnish.ts';
import { type FastCgi, startFastCgi } from './fastcgi.ts';
import { makeNginx, type Nginx, nginxFound } from './nginx.ts';
import { startTarget } from './purge-target.ts';

let origin: Origin;
let application: FastCgi;
let nginx: Nginx;

/** The first server has an application behind it that speaks HTTP, the second one FastCGI. */
beforeEach(async () => {
  origin = await startOrigin();
  application = await startFastCgi();
  nginx = await makeNginx(
    (folder, [proxied, fast]) => `
proxy_cache_path ${folder}/pages levels=1:2 keys_zone=pages:1m use_temp_path=off;
fastcgi_cache_path ${folder}/fast levels=2 keys_zone=fast:1m;
server {
  listen 127.0.0.1:${proxied};
  location / {
    proxy_pass http://127.0.0.1:${origin.port};
    proxy_cache pages;
    proxy_cache_key "$scheme$request_method$host$request_uri";
  }
}
server {
  listen 127.0.0.1:${fast};
  location / {
    fastcgi_pass 127.0.0.1:${application.port};
    fastcgi_param REQUEST_METHOD $request_method;
    fastcgi_cache fast;
    fastcgi_cache_key "fast $request_uri";
  }
}`,
    { servers: 2 },
  );
});
afterEach(async () => {
  await nginx.remove();
  application.close();
  origin.close();
});

const handlers = `
[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
url[] = /{category}/{port}/
`;

const sections = ({ lag = '1s', more = '' } = {}) => `
[nginx.pages]
path = ${nginx.folder}/pages
levels = 1:2
key[] = httpGETwww.example.org{url}
lag = ${lag}
${more}
[nginx.fast]
path = ${nginx.folder}/fast
levels = 2
key[] = fast {url}
lag = ${lag}
`;

const daemon = (how = {}) => start({ handlers, more: `[daemon]\nheartbeat = 1s\n${sections(how)}` });
const configure = (more = sections()) => site.configure(iniFor(site, database.config, { handlers, more }));

const page = () => get(nginx.address(), '/net/rsync/');
const fastPage = () => get(nginx.address(1), '/net/rsync/');

async function change(): Promise<void> {
  origin.version += 1;
  application.version += 1;
  await enqueuePort('net', 'rsync');
  await client.query('NOTIFY port_updated');
}

interface Cursors {
  newest: number;
  cleared: number;
  settled: number;
  problem: string | null;
}

async function cursors(): Promise<Cursors> {
  const { rows } = await client.query<Cursors>(
    `SELECT (SELECT count(*)::int FROM cache_clearing_ports) + (SELECT coalesce(max(id), 0)::int FROM uncached.log) AS newest,
            min(cleared_to)::int AS cleared, min(settled_to)::int AS settled, max(problem) AS problem
     FROM uncached.consumer WHERE kind = 'nginx'`,
  );
  return rows[0] ?? expect.fail('there is no such cache');
}

const soon = (what: string, is: () => Promise<boolean>) =>
  eventually(
    what,
    async () => (await is()) || undefined,
    async () => JSON.stringify(await cursors()),
  );

const until = (which: 'cleared' | 'settled') =>
  soon(`the page to be ${which}`, async () => {
    const found = await cursors();
    return found[which] >= found.newest;
  });

describe.skipIf(!nginxFound)('a page in a zone of nginx', () => {
  it('is gone when its row has changed, in proxy_cache and in fastcgi_cache', async () => {
    await nginx.start();
    await daemon();
    expect([await page(), await fastPage()]).toEqual(['version 1', 'version 1']);
    origin.version = application.version = 2;
    expect([await page(), await fastPage()]).toEqual(['version 1', 'version 1']);
    await change();
    await soon('the new page', async () => (await page()) === 'version 3');
    await soon('the new page', async () => (await fastPage()) === 'version 3');
    await until('settled');
    expect(nginx.complaints('crit')).toEqual([]);
  });

  it('does not come back with a response that was on its way', async () => {
    await nginx.start();
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await daemon({ lag: '3s' });
    origin.onRender = (url) => (url === '/net/rsync/' ? released : Promise.resolve());
    const visitor = page();
    await soon('the request', async () => origin.requests.includes('GET /net/rsync/'));
    await change();
    await until('cleared');
    release();
    expect(await visitor).toBe('version 1');
    // The first clearing has come too soon.
    expect(await page()).toBe('version 1');
    await until('settled');
    expect(await page()).toBe('version 2');
  });

  it('goes when the content of the zone is unknown, as at the first start', async () => {
    await nginx.start();
    expect([await page(), await fastPage()]).toEqual(['version 1', 'version 1']);
    origin.version = application.version = 2;
    await daemon();
    await soon('the new page', async () => (await page()) === 'version 2');
    await soon('the new page', async () => (await fastPage()) === 'version 2');
    expect(nginx.complaints('crit')).toEqual([]);
  });

  it('waits for a zone that is not there, and nothing else does', async () => {
    await nginx.start();
    expect(await page()).toBe('version 1');
    const zone = join(nginx.folder, 'pages');
    await nginx.stop();
    renameSync(zone, `${zone}.away`);
    site.write(['ports/net/rsync/Detail.html']);
    const running = await daemon();
    await change();
    const file = join(site.root, 'ports/net/rsync/Detail.html');
    await soon('the file to go', async () => !existsSync(file));
    const failed = await running.until(
      'the alarm',
      ({ event, msg }) => event === 'loop-failed' && msg.includes('[nginx.pages]'),
    );
    expect(failed.msg).toContain(`[nginx.pages] ${zone} cannot be cleared: ENOENT, it is not there`);
    await soon('the fleet to know', async () => (await cursors()).problem?.includes('ENOENT') === true);
    expect(await cursors()).toMatchObject({ settled: 0 });
    renameSync(`${zone}.away`, zone);
    await until('settled');
    await soon('the fleet to know', async () => (await cursors()).problem === null);
    await nginx.start();
    expect(await page()).toBe('version 2');
  });

  it('is cleared by drain, which does not end before, and by hand', async () => {
    await nginx.start();
    const file = configure();
    expect(await page()).toBe('version 1');
    origin.version = 2;
    await enqueuePort('net', 'rsync');
    expect(await uncached(['--config', file, 'drain'])).toMatchObject({ code: 0, stderr: '' });
    expect(await page()).toBe('version 2');
    const { newest, settled } = await cursors();
    expect(settled).toBe(newest);
    origin.version = 3;
    const byHand = ['--config', file, 'clear', 'listen_port', 'category=net', 'port=rsync'];
    const shown = await uncached([...byHand, '--dry-run']);
    expect(shown.stdout).toMatch(
      /^would spoil \/\S+\/pages\/\w\/\w\w\/\w{32} \(httpGETwww\.example\.org\/net\/rsync\/, stored \d{4}-/m,
    );
    expect(shown.stdout).toContain('nginx.fast has no page with the key fast /net/rsync/\n');
    expect(shown.code).toBe(0);
    expect(await page()).toBe('version 2');
    expect(await uncached(byHand)).toMatchObject({ code: 0, stderr: '', stdout: 'deleted 1 file\n' });
    expect(await page()).toBe('version 3');
  });

  it('behind a Varnish and before another one is cleared in that order', async () => {
    await nginx.start();
    const [inner, outer] = await Promise.all([startTarget(), startTarget()]);
    try {
      const target = (name: string, port: number, after: string) =>
        `[purge.${name}]\nto = http://127.0.0.1:${port}\nsite = http://www.example.org\nlag = 300ms\n${after}\n`;
      const more = `[daemon]\nheartbeat = 1s
${target('outer', outer.port, 'after = nginx.pages')}${target('inner', inner.port, '')}
${sections({ lag: '300ms', more: 'after = purge.inner' })}`;
      await start({ handlers, more });
      // What they have cleared at the first start is not in an order.
      await until('settled');
      expect(await page()).toBe('version 1');
      inner.purges.length = outer.purges.length = 0;
      let openInner = () => {};
      inner.held = new Promise<void>((resolve) => {
        openInner = resolve;
      });
      await change();
      await soon('the inner one to be asked', async () => inner.purges.length > 0);
      // Neither round passes it.
      expect([await page(), outer.purges.length]).toEqual(['version 1', 0]);
      openInner();
      await soon('the new page', async () => (await page()) === 'version 2');
      await soon('the outer one to be asked twice', async () => outer.purges.length === 2);
      const second = inner.purges[1] ?? expect.fail('the inner one was not asked again');
      expect((outer.purges[1] ?? 0) - second).toBeGreaterThanOrEqual(590);
    } finally {
      inner.close();
      outer.close();
    }
  });
});
