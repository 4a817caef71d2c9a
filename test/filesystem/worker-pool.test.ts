import { expect, it } from 'vitest';
import { openCache } from '../../src/filesystem/workers/file-cache.ts';
import type { StartWorker } from '../../src/filesystem/workers/start-worker.ts';

it('a worker that cannot be started again fails no request that another one can serve', async () => {
  let refuses = false;
  const start: StartWorker = (_root, hears) => {
    if (refuses) {
      queueMicrotask(() => hears.ended(new Error('8 workers wait in the kernel')));
      return { post() {}, end: async () => {} };
    }
    queueMicrotask(() => hears.message({ up: true }));
    return {
      post(request) {
        const dies = request.kind === 'clear' && request.patterns.includes('deadly');
        queueMicrotask(() =>
          dies ? hears.ended(new Error('it died')) : hears.message({ answer: { files: 1, failures: [] } }),
        );
      },
      end: async () => {},
    };
  };
  const cache = openCache('/', start);
  // Both are started.
  await Promise.all([cache.clear(['a']), cache.clear(['b'])]);
  refuses = true;
  await expect(cache.clear(['deadly'])).rejects.toThrow('it died');
  for (const pattern of ['c', 'd', 'e']) expect((await cache.clear([pattern])).files).toBe(1);
  await cache.close();
});
