import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { client, database, site } from '../../cli/site-and-database.ts';
import { iniFor } from '../../site.ts';
import { uncached } from '../../uncached.ts';
import {
  get,
  makeVarnish,
  type Origin,
  sectionFor,
  startOrigin,
  tagsVcl,
  type Varnish,
  varnishFound,
  xkeyFound,
} from './varnish.ts';

let origin: Origin;
let varnish: Varnish;

beforeEach(async () => {
  origin = await startOrigin();
  // Nothing else is wrong.
  await client.query(`DELETE FROM listen_for WHERE script_name <> 'listen_port'`);
});
afterEach(async () => {
  await varnish?.remove();
  origin.close();
});

async function startVarnish(vcl?: string): Promise<void> {
  varnish = await makeVarnish(origin.port, vcl);
  await varnish.start();
}

/** What `check --probe` says of the targets, and its exit code. */
async function probe(more: string, line = 'url[] = /{category}/{port}/', options = ['--probe']) {
  const handlers = `[handler.listen_port]\nqueue = cache_clearing_ports\n${line}\n`;
  const file = site.configure(iniFor(site, database.config, { handlers, more }));
  const { stdout, code } = await uncached(['--config', file, 'check', ...options]);
  const said = stdout.split('\n').filter((text) => text.includes('[purge.') && !text.includes('everything'));
  return { said: said.join('\n'), code };
}

const page = 'probe = https://www.example.org/net/rsync/';

describe.skipIf(!varnishFound)('check --probe', () => {
  it('proves that Varnish forgets a page, as the manual has it', async () => {
    await startVarnish();
    for (const form of [page, 'probe = /net/rsync/']) {
      const { said, code } = await probe(`${sectionFor(varnish.address)}\n${form}`);
      expect(said).toMatch(
        new RegExp(
          `^notice: \\[purge.varnish\\] ${varnish.address}: forgets: GET https://www.example.org/net/rsync/ had Age: [1-9]\\d*, and has Age: 0 after a purge$`,
        ),
      );
      expect(code).toBe(0);
    }
  });

  it('convicts a Varnish that hands PURGE on, although the origin answers 200', async () => {
    await startVarnish('');
    const { said, code } = await probe(`${sectionFor(varnish.address).replace(/^expect.*$/m, '')}\n${page}`);
    expect(said).toMatch(
      /^\[purge.varnish\] .*: acknowledged, and the page is still there: GET https:\/\/www.example.org\/net\/rsync\/ has Age: [1-9]/,
    );
    expect(code).toBe(1);
    const { said: refused } = await probe(`${sectionFor(varnish.address)}\n${page}`);
    expect(refused).toContain('and not what "expect" asks for: PURGE may reach the origin');
  });

  it('convicts a site that visitors do not type', async () => {
    await startVarnish();
    const wrong = sectionFor(varnish.address).replace('www.example.org', 'example.org');
    const { said, code } = await probe(`${wrong}\n${page}`);
    expect(said).toContain('acknowledged, and the page is still there');
    expect(code).toBe(1);
  });

  it('does not judge a page that is never cached, nor one that is not there', async () => {
    await startVarnish('sub vcl_recv { if (req.url ~ "^/net/") { return (pass); } }');
    const passed = await probe(`${sectionFor(varnish.address)}\n${page}`);
    expect(passed.said).toContain(
      'cannot be judged: GET https://www.example.org/net/rsync/ is never cached there (Age: 0)',
    );
    expect(passed.code).toBe(1);
    origin.statusOf = () => 404;
    const missing = await probe(`${sectionFor(varnish.address)}\n${page}`);
    expect(missing.said).toContain('cannot be judged: GET https://www.example.org/net/rsync/ answers 404');
    // Nothing was purged.
    expect(origin.requests.filter((one) => one.startsWith('PURGE'))).toEqual([]);
  });

  it('does not judge a cache that says nothing, unless it says HIT', async () => {
    const silent = 'sub vcl_deliver { unset resp.http.Age; }';
    await startVarnish(silent);
    const { said, code } = await probe(`${sectionFor(varnish.address)}\n${page}`);
    expect(said).toContain('cannot be judged');
    expect(said).toContain('tells neither Age nor X-Cache');
    expect(said).toContain('add_header X-Cache');
    expect(code).toBe(1);
    await varnish.remove();
    const says =
      'sub vcl_deliver { unset resp.http.Age; set resp.http.X-Cache = "uncacheable"; if (obj.hits > 0) { set resp.http.X-Cache = "HIT"; } }';
    await startVarnish(`${says}\nsub vcl_recv { if (req.method == "PURGE") { return (purge); } }`);
    const judged = await probe(`${sectionFor(varnish.address)}\n${page}`);
    expect(judged.said).toContain('had x-cache: HIT, and has x-cache: uncacheable after a purge');
    expect(judged.code).toBe(0);
  });

  it.skipIf(!xkeyFound)('purges by a tag of the page, and convicts a wrong one', async () => {
    await startVarnish(tagsVcl);
    origin.tagsOf = () => 'port-net-rsync other';
    const section = sectionFor(varnish.address, 'Varnish with tags');
    const tagged = 'tag[] = port-{category}-{port}';
    const own = `${section}\nsite = https://www.example.org\nprobe = /net/rsync/`;
    const at = await probe(`${own} port-net-rsync`, tagged);
    expect(at.said).toMatch(/forgets: GET https:\/\/www.example.org\/net\/rsync\/ had Age: [1-9]/);
    expect(at.code).toBe(0);
    expect((await probe(`${own} port-net-other`, tagged)).said).toContain('the page is still there');
    expect((await probe(own, tagged)).said).toContain(
      "probe = /net/rsync/: names no tag: write one of the page's tags after it",
    );
  });

  it.skipIf(!xkeyFound)('asks for the page where visitors do, if an API purges it', async () => {
    await startVarnish(tagsVcl);
    origin.tagsOf = () => 'port-net-rsync';
    const api = createServer(async ({ url = '' }, response) => {
      const headers = { 'xkey-purge': url.slice('/purge/'.length) };
      const sent = request(varnish.address, { method: 'PURGE', headers }).end();
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      answer.resume();
      response.writeHead(answer.statusCode ?? 0).end();
    });
    api.listen(0, '127.0.0.1');
    await once(api, 'listening');
    try {
      const section = `[purge.cdn]
to = http://127.0.0.1:${(api.address() as AddressInfo).port}
request = POST /purge/{tag}
probe = ${varnish.address}/net/rsync/ port-net-rsync`;
      const { said } = await probe(section, 'tag[] = port-{category}-{port}');
      expect(said).toMatch(
        new RegExp(
          `^notice: .*: forgets: GET ${varnish.address}/net/rsync/ had Age: [1-9]\\d*, and has Age: 0`,
        ),
      );
    } finally {
      api.close();
    }
  });

  it('purges the cache behind as well, from which the page comes', async () => {
    await startVarnish();
    const outer = await makeVarnish(Number(new URL(varnish.address).port));
    try {
      await outer.start();
      await get(outer.address, '/net/rsync/');
      const section = sectionFor(outer.address).replace('[purge.varnish]', '[purge.outer]');
      const { said } = await probe(
        `${sectionFor(varnish.address)}\n${section}\nafter = purge.varnish\n${page}`,
      );
      // The inner one has the page for as long, and has just been asked for nothing else.
      expect(said).toMatch(/^notice: \[purge.outer\] .*: forgets: /m);
    } finally {
      await outer.remove();
    }
  });
});

it('check --probe reports a target that is dead, and one without a probe', async () => {
  varnish = await makeVarnish(1);
  const section = `[purge.varnish]\nto = http://127.0.0.1:1\nsite = https://www.example.org`;
  const dead = await probe(`${section}\n${page}`);
  expect(dead.said).toContain(
    '[purge.varnish] http://127.0.0.1:1: GET https://www.example.org/net/rsync/: no answer: connect ECONNREFUSED',
  );
  expect(dead.code).toBe(1);
  // A mistake in it is no matter of asking anybody.
  const wrong = await probe(`${section}\nprobe = net/rsync`, undefined, []);
  expect(wrong.said).toContain(
    '[purge.varnish] probe = net/rsync: must be a path such as /articles/news/hello',
  );
  const tagged = await probe(`${section}\n${page} a-tag`, undefined, []);
  expect(tagged.said).toContain('names a tag, and this section takes urls');
  const none = await probe(section);
  expect(none.said).toContain('[purge.varnish] is not proven to purge: it has no "probe"');
  expect(none.code).toBe(1);
});
