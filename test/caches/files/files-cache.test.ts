import { expect, it } from 'vitest';
import { readHandlers, stepsOf } from '../../../src/cache-kinds.ts';
import { filesCache } from '../../../src/caches/files/files-cache.ts';
import type { DeletionFailure } from '../../../src/core/page-files.ts';

const failed = (more: Partial<DeletionFailure> = {}) => ({
  ...{ pattern: 'news/*', path: 'news/odd', code: 'EACCES', message: 'no', ...more },
});

it('is one cache for all handlers, with what each clears and what follows it', () => {
  const { handlers } = readHandlers([
    { name: 'page', queue: 'q', clear: ['{id}'], followers: ['news'] },
    { name: 'news', clear: ['news/*'], followers: [] },
  ]);
  const caches = stepsOf(handlers.values(), { kind: 'files', always: [] });
  expect([...caches.keys()]).toEqual(['files']);
  const steps = caches.get('files');
  expect([...(steps?.keys() ?? [])]).toEqual(['page', 'news']);
  expect(steps?.get('page')).toMatchObject({ shared: ['news/*'], followerOf: new Map([['news/*', 'news']]) });
  expect(steps?.get('page')?.plans.map(({ text }) => text)).toEqual(['{id}']);
});

it('says of a failure which path it is and what was tried, in a line that is not too long', async () => {
  const failures = [failed(), failed({ refused: 'open' }), failed({ path: 'x'.repeat(5_000) })];
  const cache = filesCache({ clear: async () => ({ files: 2, failures }) });
  const result = await cache.clear(['news/*']);
  expect(result.files).toBe(2);
  expect(result.failures.slice(0, 2)).toEqual([
    { work: 'news/*', code: 'EACCES', error: 'cannot delete news/odd: EACCES, no' },
    { work: 'news/*', code: 'EACCES', error: 'cannot open news/odd: EACCES, no' },
  ]);
  expect(result.failures[2]?.error.length).toBeLessThan(1_100);
});
