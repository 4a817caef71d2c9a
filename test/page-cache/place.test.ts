import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { placeOf } from '../../src/page-cache/place.ts';
import { site } from './site.ts';

test('placeOf splits a path', () => {
  expect(placeOf('a/b c/d…e')).toEqual({ path: 'a/b c/d…e', directories: ['a', 'b c'], name: 'd…e' });
  expect(placeOf('page')).toEqual({ path: 'page', directories: [], name: 'page' });
  expect(placeOf(`${'d'.repeat(255)}/${'é'.repeat(116)}n`)).toMatchObject({ name: `${'é'.repeat(116)}n` });
});

describe('a path the cache cannot hold is rendered, reported, and touches no disk', () => {
  test.each([
    ['', 'it has an empty component'],
    ['/etc/passwd', 'it has an empty component'],
    ['a//b', 'it has an empty component'],
    ['a/', 'it has an empty component'],
    ['..', 'component ".." begins with a dot'],
    ['../outside', 'component ".." begins with a dot'],
    ['a/../../b', 'component ".." begins with a dot'],
    ['a/./b', 'component "." begins with a dot'],
    ['a/.hidden', 'component ".hidden" begins with a dot'],
    ['.hidden/a', 'component ".hidden" begins with a dot'],
    ['a\0b', 'it contains NUL'],
    ['a\ud800b', 'it is not well-formed Unicode'],
    [`${'d'.repeat(256)}/a`, 'is longer than 255 bytes'],
    ['n'.repeat(234), 'is longer than 233 bytes'],
    [`a/${'é'.repeat(117)}`, 'is longer than 233 bytes'],
  ])('%j: %s', async (path, fault) => {
    const { root, cache, errors } = site();
    const page = await cache.page(path, () => 'rendered');
    expect(page).toEqual({ body: Buffer.from('rendered'), outcome: 'unstored' });
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toMatch(/^Cannot cache page "/);
    expect(errors[0]?.message).toContain(fault);
    expect(readdirSync(root)).toEqual([]);
  });
});

test('the longest name there is can be stored', async () => {
  const { cache, errors } = site();
  expect(await cache.page('n'.repeat(233), () => 'rendered')).toMatchObject({ outcome: 'stored' });
  expect(errors).toEqual([]);
});
