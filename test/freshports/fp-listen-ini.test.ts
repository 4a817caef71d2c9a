import { expect, it } from 'vitest';
import { changes, nginx } from './changes.ts';
import { isCleared } from './events.ts';
import { freshPorts } from './incident.ts';
import { tree, untouchable } from './tree.ts';

const at = freshPorts();

it('with fp-listen.ini as it is: the site changes, and what is stale goes, at once and for good', {
  timeout: 300_000,
}, async () => {
  const { site } = at;
  const daemon = await site.startUncached({ asItIs: true });
  site.write(tree);

  const loud = changes.filter(({ silent }) => !silent);
  const stale = new Set(loud.flatMap((change) => change.stale));
  const stored = await site.whileOpen(async () => {
    await site.touch(1);
    await site.gone(...nginx);
    for (const { sql } of loud) {
      await site.query('commits', sql);
      // Two changes enqueue the same port, which the queue table takes once.
      await site.emptied();
    }
    await site.gone(...stale);
    await daemon.until('clearing', isCleared('listen_port'));
    site.write(nginx, 'old');
  });
  // A page stored before the settle time of 10 s is over is deleted by the second clearing.
  await site.settled();
  expect(performance.now() - stored).toBeGreaterThanOrEqual(10_000);
  expect(site.site.pages()).toEqual([...tree, ...untouchable].filter((page) => !stale.has(page)).sort());
});
