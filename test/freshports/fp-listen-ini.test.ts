import { expect, it } from 'vitest';
import { changes, nginx } from './changes.ts';
import { freshPorts } from './incident.ts';
import { tree, untouchable } from './tree.ts';
import { isCleared } from './world.ts';

const at = freshPorts();

it('with fp-listen.ini as it is: the site changes, and what is stale goes, at once and for good', {
  timeout: 120_000,
}, async () => {
  const { site } = at;
  const daemon = await site.startUncached({ asItIs: true });
  site.write(tree);
  await site.touch(1);
  await site.gone(...nginx);

  const loud = changes.filter(({ silent }) => !silent);
  const stale = new Set(loud.flatMap((change) => change.stale));
  for (const { sql } of loud) await site.query('commits', sql);
  await site.gone(...stale);
  // The settle time is 10 s. A page stored within it is deleted by the second clearing.
  await daemon.until('clearing', isCleared('listen_port'));
  site.write(nginx, 'old');
  await site.settled(40_000);
  expect(site.site.pages()).toEqual([...tree, ...untouchable].filter((page) => !stale.has(page)).sort());
});
