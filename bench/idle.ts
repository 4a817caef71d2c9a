import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { residentMiB, withChildren } from './cpu.ts';
import { startDaemon } from './daemon.ts';
import type { Options } from './options.ts';
import { emptyTables, type World, type Worlds } from './world.ts';

interface Idle {
  /** The share of a core that it uses with the default configuration's heartbeat. */
  readonly part: number;
  readonly residentMiB: number;
}

/** The daemon at rest. */
export async function measureIdle(
  { world, before }: Worlds,
  { quick }: Options,
): Promise<{ uncached: Idle; before?: Idle }> {
  const uncached = await measure(world, quick);
  return before ? { uncached, before: await measure(before, quick) } : { uncached };
}

async function measure(world: World, quick: boolean): Promise<Idle> {
  await emptyTables(world);
  const folder = mkdtempSync(join(world.memory, 'site-'));
  mkdirSync(join(folder, 'cache'));
  const daemon = await startDaemon(world, { root: join(folder, 'cache'), folder });
  try {
    await wait(quick ? 3_000 : 12_000);
    const [before, started] = [threadsMs(daemon.pid), performance.now()];
    await wait(quick ? 10_000 : 60_000);
    const part = (threadsMs(daemon.pid) - before) / (performance.now() - started);
    return { part, residentMiB: residentMiB(daemon.pid) };
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
