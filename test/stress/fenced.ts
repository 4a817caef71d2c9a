import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from 'pg';
import type { PageCache, pageCache } from '../../src/page-cache/page-cache.ts';
import type { Load, Setting, Turn } from './load.ts';
import { decode, encode } from './page.ts';
import { chooseToRender, readVersions } from './site-page.ts';

/**
 * Writers with the protocol of doc/writers.md. A process has one cache, so its writers share each other's
 * renders.
 */
export function fencedWriter(open: typeof pageCache): (setting: Setting) => Turn {
  let cache: PageCache | undefined;
  let files = 0;
  return ({ root, mark }) =>
    async (client, load) => {
      cache ??= open({
        root,
        onError: (error) =>
          load.violation('fault', [], `${load.name}: ${error.message} ${String(error.cause)}`),
        random: () => mark + (files++).toString(16).padStart(12, '0'),
      });
      const path = chooseToRender(load);
      const asked = Date.now();
      const { body, outcome } = await cache.page(path, () => render(client, path, load));
      const page = decode(body, path);
      if (typeof page === 'string') load.violation('torn', [path], `${load.name} was served ${page}`);
      else if (outcome !== 'hit') load.note({ asked, outcome, page });
      load.count(`fenced ${outcome}`);
      load.count('reads');
      await wait(load.random.between(0, 4));
    };
}

/** Its temp is open by now. A clearing finds the temp however long the render takes, so there is no limit. */
async function render(client: Client, path: string, { random, name, settleMs }: Load): Promise<Buffer> {
  const pause = () => wait(lengthOf(random.next(), settleMs));
  if (random.chance(0.2)) await pause();
  const readAt = Date.now();
  if (random.chance(0.7)) {
    const versions = await readVersions(client, path);
    // No transaction is open, so only the temp shows that this render exists.
    await pause();
    return encode({ path, by: name, readAt, versions }, random);
  }
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const versions = await readVersions(client, path);
  await pause();
  await client.query('COMMIT');
  return encode({ path, by: name, readAt, versions }, random);
}

/** Most are quick. One in ten takes longer than the settle time. */
function lengthOf(chance: number, settleMs: number): number {
  if (chance < 0.6) return chance * 5;
  return chance < 0.9 ? (chance - 0.6) * settleMs : (chance - 0.9) * 35 * settleMs;
}
