import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { ZoneWay } from '../src/core/configuration.ts';
import type { ZoneResult } from '../src/core/zone-files.ts';
import { systemWalk } from '../src/filesystem/walk/walk.ts';
import { clearVariants } from '../src/filesystem/zone/clear-variants.ts';
import { clearKeys } from '../src/filesystem/zone/clear-zone.ts';
import { zonePath } from '../src/filesystem/zone/zone-path.ts';
import { storePage } from '../test/filesystem/zone/cache-file.ts';
import type { Options } from './options.ts';
import { interleaved } from './statistics.ts';
import type { World } from './world.ts';
import { openZone, type Zone, zoneLevels } from './zone-files.ts';

type Name = 'uncached' | 'how = unlink' | 'unlink by path';
type ScanName = 'first scan' | 'later scan' | 'find';

export interface Zones {
  /** Who wrote the files. */
  readonly writer: string;
  /** Microseconds a key. */
  readonly keyUs: Partial<Record<Name, number[]>>;
  readonly scanFiles: number;
  /** Milliseconds. */
  readonly scanMs: Partial<Record<ScanName, number[]>>;
}

/** What clears files of a zone, without the way to a worker. */
export async function measureZones(world: World, { rounds, quick, say }: Options): Promise<Zones> {
  const zone = await openZone(world, say);
  const keys = quick ? 500 : 2_000;
  const scanFiles = quick ? 5_000 : 50_000;
  try {
    const contestants = {
      uncached: () => clearPart(zone, keys, (keys) => clear(zone, keys, 'spoil')),
      'how = unlink': () => clearPart(zone, keys, (keys) => clear(zone, keys, 'unlink')),
      'unlink by path': () => clearPart(zone, keys, (keys) => unlinkAll(zone, keys)),
    };
    for (const contestant of Object.values(contestants)) await contestant();
    const keyUs = await interleaved<number, Name>(rounds, contestants, say);
    return {
      writer: zone.writer,
      keyUs,
      scanFiles,
      scanMs: await scan(world.memory, scanFiles, rounds, say),
    };
  } finally {
    await zone.close();
  }
}

async function clearPart(
  zone: Zone,
  count: number,
  work: (keys: readonly string[]) => void,
): Promise<number> {
  const keys = await zone.fill(count);
  const started = performance.now();
  work(keys);
  return ((performance.now() - started) * 1_000) / count;
}

function clear({ path }: Zone, keys: readonly string[], how: ZoneWay): void {
  assertCleared(clearKeys(path, { levels: zoneLevels, keys, how }, systemWalk()), keys.length);
}

function unlinkAll({ path }: Zone, keys: readonly string[]): void {
  for (const key of keys) {
    const { directories, name } = zonePath(key, zoneLevels);
    unlinkSync(join(path, ...directories, name));
  }
}

/** One key of many files: what `variants = scan` costs, the first time and when nearly all files are known. */
async function scan(memory: string, files: number, rounds: number, say: (line: string) => void) {
  const folder = mkdtempSync(join(memory, 'zone-'));
  try {
    for (let nth = 0; nth < files; nth++) storePage(folder, `k/${nth}`, { levels: zoneLevels });
    const scanned = async () =>
      timed(() => {
        const how = { levels: zoneLevels, keys: ['k/0'], how: 'spoil', variants: 'all' } as const;
        assertCleared(clearVariants(folder, how, systemWalk()), undefined);
      });
    const first = await scanned();
    const others = { 'later scan': scanned, find: async () => timed(() => find(folder)) };
    return { 'first scan': [first], ...(await interleaved<number, ScanName>(rounds, others, say)) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function assertCleared({ files, failures }: ZoneResult, expected: number | undefined): void {
  if (failures.length > 0 || (expected !== undefined && files !== expected))
    throw new Error(`Cannot measure: ${files} files cleared, ${JSON.stringify(failures[0])}`);
}

function find(folder: string): void {
  execFileSync('find', [folder, '-type', 'f'], { stdio: 'ignore' });
}

function timed(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}
