import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  get,
  makeVarnish,
  type Origin,
  startOrigin,
  type Varnish,
  varnishFound,
  xkeyFound,
} from '../caches/purge/varnish.ts';
import { openRecipe, otherSide } from './recipe.ts';

let origin: Origin;
let varnish: Varnish;

beforeEach(async () => {
  origin = await startOrigin();
});
afterEach(async () => {
  await varnish.remove();
  origin.close();
});

async function open(name: string, vcl = otherSide(name)) {
  varnish = await makeVarnish(origin.port, vcl);
  await varnish.start();
  return openRecipe(name, varnish.address);
}

/** The version of each page, as a visitor gets it. */
const versions = (...urls: string[]) =>
  Promise.all(urls.map(async (url) => (await get(varnish.address, url)).replace('version ', '')));

describe.skipIf(!varnishFound)('a recipe, with the VCL in it,', () => {
  it('purges the pages that it names', async () => {
    const cache = await open('varnish-purge');
    expect(await versions('/a+b', '/a%2Bb', '/c')).toEqual(['1', '1', '1']);
    origin.version = 2;
    expect(await cache.clear(['/a+b', '/absent'])).toEqual({ files: 0, failures: [] });
    expect(await versions('/a+b', '/a%2Bb', '/c')).toEqual(['2', '1', '1']);
  });

  it.skipIf(!xkeyFound)('purges a thousand tags, also those that no page has', async () => {
    const cache = await open('varnish-xkey');
    origin.tagsOf = (url) => `${url.slice(1)} all`;
    const urls = Array.from({ length: 50 }, (_, nth) => `/tag-${nth}`);
    await versions(...urls, '/other');
    origin.version = 2;
    const tags = Array.from({ length: 1_000 }, (_, nth) => `tag-${nth}`);
    expect(await cache.clear(tags)).toEqual({ files: 0, failures: [] });
    expect(await versions(...urls, '/other')).toEqual([...urls.map(() => '2'), '1']);
  });

  it('bans many pages at once, and no other that only looks like one of them', async () => {
    const cache = await open('varnish-ban');
    const gone = ['/a.b', '/c++?d=(e)&f', "/$'|x"];
    const stay = ['/aab', '/a.bc', '/c', '/x/a.b', '/c++?d=(e)'];
    await versions(...gone, ...stay);
    const others = await get(varnish.address, '/a.b', 'other.example.org');
    origin.version = 2;
    const more = Array.from({ length: 250 }, (_, nth) => `/absent/${nth}`);
    expect(await cache.clear([...gone, ...more])).toEqual({ files: 0, failures: [] });
    expect(await versions(...gone)).toEqual(gone.map(() => '2'));
    expect(await versions(...stay)).toEqual(stay.map(() => '1'));
    expect(await get(varnish.address, '/a.b', 'other.example.org')).toBe(others);
    await cache.wipe();
    expect(await versions(...stay)).toEqual(stay.map(() => '2'));
  });
});

const banOfRequests = otherSide('varnish-ban').replace(
  /obj\.http\.x-(host|url) (==|~)/g,
  (_all, of, compared) => (of === 'host' ? `req.http.host ${compared}` : `req.url ${compared}`),
);

// Why every page is purged twice: no way to purge reaches a fetch that is waiting for its answer.
describe.skipIf(!varnishFound || !xkeyFound)('a response that is on its way', () => {
  it.each([
    ['PURGE', 'varnish-purge', otherSide('varnish-purge'), '/a'],
    ['xkey', 'varnish-xkey', otherSide('varnish-xkey'), 'a'],
    ['a ban of objects', 'varnish-ban', otherSide('varnish-ban'), '/a'],
    ['a ban of requests', 'varnish-ban', banOfRequests, '/a'],
  ])('lands after %s, and not after a second one', async (_way, name, vcl, work) => {
    const cache = await open(name, vcl);
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      origin.tagsOf = () => 'a';
      origin.onRender = () => {
        resolve();
        return new Promise((done) => {
          answer = done;
        });
      };
    });
    const visitor = versions('/a');
    await asked;
    origin.onRender = async () => {};
    origin.version = 2;
    expect(await cache.clear([work])).toEqual({ files: 0, failures: [] });
    answer();
    expect(await visitor).toEqual(['1']);
    expect(await versions('/a')).toEqual(['1']);
    expect(await cache.clear([work])).toEqual({ files: 0, failures: [] });
    expect(await versions('/a')).toEqual(['2']);
  });
});
