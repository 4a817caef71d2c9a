import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CdnStandIn, startCloudflare, startFastly } from './cdn-stand-in.ts';
import { openRecipe, readRecipe, recipeText } from './recipe.ts';

const names = readdirSync('etc/purge').map((file) => file.replace(/\.ini$/, ''));

describe.each(names)('etc/purge/%s.ini', (name) => {
  it('is a configuration without problems, in which every target is fed', () => {
    const { targets, problems, notices } = readRecipe(name);
    expect(problems).toEqual([]);
    expect(notices).toEqual([]);
    expect(targets.length).toBeGreaterThan(0);
  });

  it('says where its facts are from, and stands in the manual', () => {
    expect(recipeText(name)).toMatch(/^; Source: https:\/\//m);
    expect(readFileSync('doc/caches.md', 'utf8')).toContain(`etc/purge/${name}.ini`);
  });
});

let cdn: CdnStandIn;
afterEach(() => cdn?.close());

const many = (count: number, name: (nth: number) => string) =>
  Array.from({ length: count }, (_, nth) => name(nth + 1));

describe('Fastly', () => {
  beforeEach(async () => {
    cdn = await startFastly();
  });

  it('forgets 600 tags with three requests', async () => {
    const tags = many(600, (nth) => `article-${nth}`);
    for (const tag of [...tags, 'other']) cdn.cached.add(tag);
    expect(await openRecipe('fastly', cdn.address).clear(tags)).toEqual({ files: 0, failures: [] });
    expect([...cdn.cached]).toEqual(['other']);
    expect(cdn.requests.toSorted((a, b) => a - b)).toEqual([88, 256, 256]);
  });

  it('forgets all', async () => {
    cdn.cached.add('other');
    await openRecipe('fastly', cdn.address).wipe();
    expect([...cdn.cached]).toEqual([]);
  });

  it('is down where the key is wrong', async () => {
    cdn.key = 'another';
    await expect(openRecipe('fastly', cdn.address).clear(['a'])).rejects.toThrow(
      'it does not let this machine purge',
    );
  });
});

describe('Cloudflare', () => {
  const urls = many(450, (nth) => `/articles/news/${nth}`);
  beforeEach(async () => {
    cdn = await startCloudflare();
    for (const url of [...urls, '/other']) cdn.cached.add(`https://www.example.org${url}`);
  });

  it('forgets pages, a hundred in a request, and is asked no more often than it allows', async () => {
    expect(await openRecipe('cloudflare', cdn.address).clear(urls)).toEqual({ files: 0, failures: [] });
    expect([...cdn.cached]).toEqual(['https://www.example.org/other']);
    expect(cdn.requests).toEqual([100, 100, 100, 100, 50]);
    expect(cdn.refused).toBe(0);
  });

  it('gets nothing for as long as it asks to wait, and then all', async () => {
    cdn.restMs = 1_000;
    await openRecipe('cloudflare', cdn.address).clear(urls);
    expect([...cdn.cached]).toEqual(['https://www.example.org/other']);
    // The stand-in counts what comes while it rests.
    expect(cdn.refused).toBe(1);
  });

  it('forgets all', async () => {
    await openRecipe('cloudflare', cdn.address).wipe();
    expect([...cdn.cached]).toEqual([]);
  });
});
