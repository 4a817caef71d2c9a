import { expect, it } from 'vitest';
import type { Means } from '../../src/clearing/clearing.ts';
import { clearRevived } from '../../src/clearing/revive.ts';
import type { Cleared } from '../../src/core/contracts.ts';

it('tells that the cache was cleared once, however often the disk refuses it or its marker', async () => {
  const failure = { pattern: '*', path: 'a', code: 'EROFS', message: 'read-only file system' };
  const answers: Cleared[] = [
    { files: 0, failures: [failure] },
    { files: 3, failures: [] },
    { files: 0, failures: [] },
  ];
  let marks = 0;
  const told: string[] = [];
  const revival = {
    mayHaveHappened: () => true,
    markRunning() {
      if (++marks === 1) throw new Error('Cannot keep the marker');
    },
    markClean() {},
  };
  const means = {
    handlers: new Map(),
    cache: { clear: async () => answers.shift(), close: async () => {} },
    observe: ({ kind }: { kind: string }) => told.push(kind),
  } as unknown as Means;
  await expect(clearRevived(revival, means)).rejects.toThrow('Cannot clear the whole cache');
  await expect(clearRevived(revival, means)).rejects.toThrow('Cannot keep the marker');
  expect(told).toEqual([]);
  await clearRevived(revival, means);
  expect(told).toEqual(['revived']);
});
