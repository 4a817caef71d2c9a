import { describe, expect, it } from 'vitest';
import { layeredPages } from '../../src/memory-cache/layered-pages.ts';
import { realCode } from './code.ts';
import { type LayeredScenario, layeredWorld } from './layered-world.ts';
import { everySchedule } from './schedule.ts';

/** With UNCACHED_SCHEDULES, as in schedules.test.ts, the long one as well. */
const sizes = [
  { commits: 1, callers: 3 },
  ...(process.env.UNCACHED_SCHEDULES ? [{ commits: 2, callers: 2 }] : []),
];

/** The other orders, in which a page is stale for good. */
const wrong: Readonly<Record<string, LayeredScenario['order']>> = {
  'memory keeps what comes from disk': ({ memory, disk }) => ({
    async page(path, render) {
      const { value } = await memory.get(path, async (page) => {
        // Even if it knew what a page on disk depends on.
        page.dependsOn('c', { k: 'a' });
        return (await disk.page(path, () => render(page))).body;
      });
      return { body: value, outcome: 'memory' };
    },
  }),
  'a render for the disk asks memory': ({ memory, disk }) => ({
    page: (path, render) =>
      disk.page(
        path,
        async () => (await memory.get(path, async (page) => Buffer.from(await render(page)))).value,
      ),
  }),
};

describe('a page cache with a memory cache before it', () => {
  it.each(sizes)('has no stale page in any schedule: $commits commits, $callers callers', async (size) => {
    const { schedules, outcomes, ...broken } = await everySchedule(layeredWorld, realCode, {
      ...size,
      order: layeredPages,
    });
    expect(broken).toEqual({});
    expect(outcomes).toEqual(['hit', 'memory', 'overtaken', 'stored']);
    console.info(`${size.commits} commits, ${size.callers} callers, memory and disk: ${schedules} schedules`);
  });

  it.each(Object.entries(wrong))('is stale for good if %s', async (_name, order) => {
    const { broken, trace } = await everySchedule(layeredWorld, realCode, { commits: 1, callers: 3, order });
    expect(broken).toMatch(/^at rest version 0 is (in memory|on disk)|is given 0/);
    console.info(`${trace?.join(', ')}: ${broken}`);
  });
});
