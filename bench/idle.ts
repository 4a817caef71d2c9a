import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { preciseMs, residentMiB } from './cpu.ts';
import { startDaemon } from './daemon.ts';
import type { Options } from './options.ts';
import { interleaved } from './statistics.ts';
import { emptyTables, type World, type Worlds } from './world.ts';

interface Idle {
  /** The share of a core that it uses with the default configuration's heartbeat. */
  readonly part: number;
  readonly residentMiB: number;
}

/** The daemon at rest. */
export async function measureIdle(
  { world, before }: Worlds,
  { quick, rounds, say }: Options,
): Promise<Partial<Record<'uncached' | 'before', Idle[]>>> {
  const restMs = quick ? { before: 1_000, measured: 3_000 } : before ? comparedMs : wholeMs;
  return await interleaved(
    before ? rounds : 1,
    { uncached: () => measure(world, restMs), ...(before && { before: () => measure(before, restMs) }) },
    say,
  );
}

/** A heartbeat is sent every 10 s. */
const wholeMs = { before: 12_000, measured: 60_000 };
const comparedMs = { before: 5_000, measured: 20_000 };

async function measure(world: World, restMs: typeof wholeMs): Promise<Idle> {
  await emptyTables(world);
  const folder = mkdtempSync(join(world.memory, 'site-'));
  mkdirSync(join(folder, 'cache'));
  const daemon = await startDaemon(world, { root: join(folder, 'cache'), folder });
  try {
    await wait(restMs.before);
    const [before, started] = [preciseMs(daemon.pid), performance.now()];
    await wait(restMs.measured);
    const part = (preciseMs(daemon.pid) - before) / (performance.now() - started);
    return { part, residentMiB: residentMiB(daemon.pid) };
  } finally {
    await daemon.stop();
    rmSync(folder, { recursive: true });
  }
}
