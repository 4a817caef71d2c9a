import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  get,
  makeVarnish,
  type Origin,
  sectionFor,
  startOrigin,
  type Varnish,
  varnishFound,
} from '../caches/purge/varnish.ts';
import { eventually } from '../faults/eventually.ts';
import { storePage } from '../filesystem/zone/cache-file.ts';
import { iniFor } from '../site.ts';
import { uncached } from '../uncached.ts';
import { client, database, site } from './explain.ts';
import { enqueuePort, start } from './running.ts';

const handlers = `
[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
url[] = /{category}/{port}/
url[] = /{category}/{port:strict}.html
url[] = /{category}/
tag[] = port-{category}-{port}
`;

/** Nobody listens on port 1. */
const dead = `
[purge.varnish]
to = http://127.0.0.1:1
site = https://www.example.org
timeout = 1s

[purge.tags]
to = http://127.0.0.1:1
request = PURGE /
header[] = xkey-purge: {tag}
`;

async function explain(page: string, { more = dead, args = [] as string[] } = {}) {
  const file = site.configure(iniFor(site, database.config, { handlers, more, settle: '10s' }));
  return await uncached(['--config', file, 'explain', page, ...args]);
}

describe('of a url', () => {
  it('shows which lines name it, with which key, and what each target would forget', async () => {
    const { stdout, stderr, code } = await explain('https://www.example.org/net/libsigc++%202/');
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    expect(stdout).toBe(`https://www.example.org/net/libsigc++%202/

listen_port
  url       /{category}/{port}/
  key       category=net 'port=libsigc++ 2'
  channel   port_updated
  queue     no entry for it
  log       no row for it
  cleared   not as far as the log goes back (keep)

purge.varnish (http://127.0.0.1:1)
  forgets   /net/libsigc++%202/
  site      https://www.example.org

No entry for it is waiting: every change committed so far has been cleared.
`);
    // This name is no tag, and the one of another key is.
    expect(stdout).not.toContain('purge.tags');
    expect((await explain('https://www.example.org/net/rsync/')).stdout).toContain(
      'purge.tags (http://127.0.0.1:1)\n  forgets   port-net-rsync\n',
    );
  });

  it('tells of another host and of another spelling', async () => {
    const { stdout } = await explain('http://example.org/net/rsync/');
    expect(stdout).toContain(
      'https://www.example.org, and not http://example.org: what is cached under that host stays',
    );
    const spelt = await explain('/net/libsigc++.html');
    expect(spelt.code).toBe(1);
    expect(spelt.stdout).toContain('No line of url[] names it');
    expect(spelt.stdout).toContain(
      '/{category}/{port:strict}.html of listen_port makes /net/libsigc%2B%2B.html of this key',
    );
    const none = await explain('/a/b/c/d');
    expect(none.stdout.trim().split('\n')).toEqual([
      '/a/b/c/d',
      'No line of url[] names it: no change in the database will ever purge it by its url.',
    ]);
  });

  it('shows the files that nginx has of it, and which it has not', async () => {
    const zone = join(dirname(site.root), 'zone');
    const stored = storePage(zone, 'GETwww.example.org/net/rsync/');
    const section = (path: string) => `
[nginx.pages]
path = ${path}
levels = 1:2
key[] = GETwww.example.org{url}
key[] = HEADwww.example.org{url}`;
    const { stdout } = await explain('/net/rsync/', { more: section(zone) });
    expect(stdout).toMatch(
      new RegExp(`nginx.pages \\(${zone}\\)
  cached    GETwww.example.org/net/rsync/ since \\d{4}-.*Z: ${stored}
  cached    HEADwww.example.org/net/rsync/: no
`),
    );
    const none = await explain('/net/rsync/', { more: section(`${zone}-gone`) });
    expect(none.stdout).toContain(
      'cached    unknown: ENOENT, it is not there: nginx makes it when it starts',
    );
  });

  it('shows what waits, and takes a path below root for a file', async () => {
    await enqueuePort('net', 'rsync');
    const { stdout } = await explain('/net/rsync/');
    expect(stdout).toContain('queue     1 entry names it, the oldest made');
    expect(stdout).toContain('site      https://www.example.org\n');
    site.write(['ports/net/rsync/Detail.html']);
    const file = await explain(`${site.root}/ports/net/rsync/Detail.html`);
    expect(file.stdout).toContain('template  ports/{category}/{port}/*');
  });

  it('shows a target that is down, and what is behind there', async () => {
    await start({ handlers, more: `[daemon]\nheartbeat = 1s\n${dead}`, settle: '10s' });
    await enqueuePort('net', 'rsync');
    await client.query('NOTIFY port_updated');
    let shown = '';
    const found = await eventually(
      'the state',
      async () => {
        shown = (await explain('/net/rsync/', { args: ['--ask'] })).stdout;
        return /state +down since.*1 row behind/.test(shown) ? shown : undefined;
      },
      async () => shown,
    );
    expect(found).toMatch(
      /state +down since \S+Z: does not answer: .*ECONNREFUSED.*, 1 row behind, the oldest for [\d.]+ s, on /,
    );
    expect(found).toContain('not cleared yet');
    expect(found).toMatch(/purge varnish on .*: not cleared yet/);
    expect(found).toContain('cached    unknown: no answer: connect ECONNREFUSED');
  });
});

describe.skipIf(!varnishFound)('explain --ask', () => {
  let origin: Origin;
  let varnish: Varnish;
  beforeEach(async () => {
    origin = await startOrigin();
    varnish = await makeVarnish(origin.port);
    await varnish.start();
  });
  afterEach(async () => {
    await varnish.remove();
    origin.close();
  });

  it('tells whether the cache has the page, and for how long', async () => {
    await get(varnish.address, '/net/rsync/');
    let shown = '';
    const ask = async () => {
      const options = { more: sectionFor(varnish.address), args: ['--ask'] };
      shown = (await explain('https://www.example.org/net/rsync/', options)).stdout;
      return /cached +yes: 200, Age: [1-9]/.test(shown) || undefined;
    };
    await eventually('an age', ask, async () => shown);
    const other = await explain('https://www.example.org/net/other/', {
      more: sectionFor(varnish.address),
      args: ['--ask'],
    });
    expect(other.stdout).toContain('cached    no, or not before this second: 200, Age: 0');
    // Without --ask nobody is.
    origin.requests.length = 0;
    await explain('https://www.example.org/net/third/', { more: sectionFor(varnish.address) });
    expect(origin.requests).toEqual([]);
  });
});
