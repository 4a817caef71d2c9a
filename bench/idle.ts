import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { withChildren } from './cpu.ts';
import { startDaemon } from './daemon.ts';
import type { Options } from './options.ts';
import { emptyTables, type World } from './world.ts';

/** The share of a core that the idle daemon uses with the default configuration's heartbeat. */
export async function measureIdle(world: World, { quick }: Options): Promise<{ part: number }> {
  await emptyTables(world);
  const folder = mkdtempSync(join(world.memory, 'site-'));
  mkdirSync(join(folder, 'cache'));
  const daemon = await startDaemon(world, { root: join(folder, 'cache'), folder });
  try {
    await wait(quick ? 3_000 : 12_000);
    const [before, started] = [threadsMs(daemon.pid), performance.now()];
    await wait(quick ? 10_000 : 60_000);
    return { part: (threadsMs(daemon.pid) - before) / (performance.now() - started) };
  } finally {
    await daemon.stop();
    rmSync(folder, { recursive: true });
  }
}

/** To the nanosecond. cpu.ts counts only hundredths of a second. */
function threadsMs(pid: number): number {
  return withChildren(pid)
    .flatMap((each) => readdirSync(`/proc/${each}/task`).map((thread) => `/proc/${each}/task/${thread}`))
    .reduce((sum, thread) => {
      const [ran] = readFileSync(`${thread}/schedstat`, 'latin1').split(' ');
      return sum + Number(ran) / 1e6;
    }, 0);
}
