import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { iniFor } from '../test/site.ts';
import { uncached } from '../test/uncached.ts';
import type { Options } from './options.ts';
import { interleaved, median } from './statistics.ts';
import type { World, Worlds } from './world.ts';

type Name = '--version' | 'status' | '--version, before' | 'status, before' | 'bare node';

/** Milliseconds from the start of a process to its end, the median of each round. */
export type Starts = Partial<Record<Name, number[]>>;

const starts = { quick: 3, full: 7 };

/** Commands that a monitor runs each minute, compared with a node that does nothing. */
export async function measureStarts(
  { world, before }: Worlds,
  { rounds, quick, say }: Options,
): Promise<Starts> {
  const folder = mkdtempSync(join(world.memory, 'site-'));
  const root = join(folder, 'cache');
  mkdirSync(root);
  const ends = (args: readonly string[]) => medianOf(quick ? starts.quick : starts.full, args);
  const status = (of: World) => {
    const file = join(folder, `${of.database.name}.ini`);
    writeFileSync(file, iniFor({ root }, of.database.config));
    return () => ends([of.program, '--config', file, 'status']);
  };
  try {
    await assertStatus(world, join(folder, `${world.database.name}.ini`));
    return await interleaved<number, Name>(
      rounds,
      {
        '--version': () => ends([world.program, '--version']),
        ...(before && { '--version, before': () => ends([before.program, '--version']) }),
        status: status(world),
        ...(before ? { 'status, before': status(before) } : { 'bare node': () => ends(['-e', '0']) }),
      },
      say,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An exit code of 2 may also say that it was used in a wrong way. */
async function assertStatus({ database, program }: World, file: string): Promise<void> {
  writeFileSync(file, iniFor({ root: dirname(file) }, database.config));
  const { stdout, stderr } = await uncached(['--config', file, 'status'], {}, { program });
  if (!stdout.startsWith('UNCACHED')) throw new Error(`Cannot measure: ${stdout}${stderr}`);
}

async function medianOf(count: number, args: readonly string[]): Promise<number> {
  const times: number[] = [];
  for (let nth = 0; nth < count; nth++) {
    const started = performance.now();
    const [code] = await once(spawn(process.execPath, args, { stdio: 'ignore' }), 'close');
    times.push(performance.now() - started);
    // `status` says with 1 or 2 that something is wrong: no daemon runs.
    if (code !== 0 && !args.includes('status'))
      throw new Error(`Cannot measure: ${args.join(' ')} ended with ${code}`);
  }
  return median(times);
}
