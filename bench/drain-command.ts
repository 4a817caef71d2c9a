import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { predecessorMissing } from '../test/freshports/predecessor.ts';
import { iniFor } from '../test/site.ts';
import { uncached } from '../test/uncached.ts';
import { type BacklogRun, begin, drainByPredecessor, load } from './backlog.ts';
import type { Options } from './options.ts';
import { interleaved } from './statistics.ts';
import { type World, type Worlds, withSetting } from './world.ts';

type Name = 'uncached' | 'before' | 'predecessor';

/**
 * `uncached drain` of the backlog, from the start of its process to its end. Commits cost the candidates nothing:
 * the predecessor makes one for each row.
 */
export async function measureDrain(
  { world, before }: Worlds,
  { rounds, quick, say }: Options,
): Promise<Partial<Record<Name, BacklogRun[]>>> {
  return await withSetting(world, { fsync: 'off' }, () =>
    interleaved<BacklogRun, Name>(
      rounds,
      {
        uncached: () => drain(world),
        ...(before && { before: () => drain(before) }),
        ...(!predecessorMissing &&
          before === undefined && { predecessor: () => drainByPredecessor(world, world.memory, quick) }),
      },
      say,
    ),
  );
}

async function drain(world: World): Promise<BacklogRun> {
  const pages = await begin(world, world.memory);
  try {
    await load(world);
    const file = join(pages.folder, 'uncached.ini');
    writeFileSync(file, iniFor(pages, world.database.config, { settle: '0s' }));
    const started = performance.now();
    const { code, stderr } = await uncached(['--config', file, 'drain'], {}, { program: world.program });
    const goneMs = performance.now() - started;
    if (code !== 0) throw new Error(`uncached drain ended with ${code}: ${stderr}`);
    return { goneMs };
  } finally {
    pages.remove();
  }
}
