import { deleteFiles } from './backlog.ts';
import { cpuMs, peakMiB } from './cpu.ts';
import { followBacklog, startDaemon } from './daemon.ts';
import type { Options } from './options.ts';
import { writePages } from './pages.ts';
import { interleaved } from './statistics.ts';
import { emptyTables, tidy, type World, type Worlds } from './world.ts';

interface GrowthRun {
  /** When every page is gone, every entry cleared once, and everything settled. */
  readonly goneMs: number;
  readonly drainedMs?: number;
  readonly settledMs?: number;
  readonly cpuMs?: number;
  readonly peakMiB?: number;
}

export interface Growth {
  readonly rows: number;
  readonly uncached: GrowthRun[];
  readonly before: GrowthRun[];
  readonly limit: GrowthRun[];
}

const pageBytes = 1_024;

/** A round of a million rows takes 1.5 minutes. */
const mostRounds = (rows: number) => (rows >= 1_000_000 ? 2 : Number.POSITIVE_INFINITY);

/** Time and memory for growing numbers of rows: N rows of N/5 ports with two pages each. */
export async function measureGrowth(
  { world, before }: Worlds,
  { quick, rounds, say }: Options,
): Promise<Growth[]> {
  const sizes = [1_000, 10_000, ...(quick ? [] : [100_000]), ...(quick || before ? [] : [1_000_000])];
  const all: Growth[] = [];
  for (const rows of sizes) {
    say(` ${rows} rows`);
    const runs = await interleaved<GrowthRun, 'uncached' | 'before' | 'limit'>(
      Math.min(rounds, mostRounds(rows)),
      {
        uncached: () => drain(world, rows),
        ...(before && { before: () => drain(before, rows) }),
        ...(!before && { limit: () => deleteAlone(world, rows) }),
      },
      say,
    );
    all.push({ rows, uncached: [], before: [], limit: [], ...runs });
  }
  return all;
}

async function drain(world: World, rows: number): Promise<GrowthRun> {
  await emptyTables(world);
  const pages = writePages(world.memory, pagesOf(rows), pageBytes);
  const daemon = await startDaemon(world, pages);
  try {
    await world.client.query(
      `INSERT INTO cache_clearing_ports (category, port, xid)
       SELECT 'cat' || lpad((p % 60)::text, 2, '0'), 'port-' || p, n::text::xid8
       FROM generate_series(0, $1::int - 1) n, LATERAL (SELECT ${portOf}) AS port (p) ORDER BY n`,
      [rows],
    );
    await tidy(world);
    const before = cpuMs(daemon.pid, world.server.pid);
    const ends = followBacklog(daemon, rows);
    const gone = pages.gone();
    const started = performance.now();
    await world.client.query('NOTIFY port_updated');
    const goneMs = (await gone) - started;
    const { drained, settled } = await ends;
    return {
      goneMs,
      drainedMs: drained - started,
      settledMs: settled - started,
      cpuMs: cpuMs(daemon.pid, world.server.pid) - before,
      peakMiB: peakMiB(daemon.pid),
    };
  } finally {
    await daemon.stop();
    pages.remove();
  }
}

async function deleteAlone(world: World, rows: number): Promise<GrowthRun> {
  const pages = writePages(world.memory, pagesOf(rows), pageBytes);
  const started = performance.now();
  deleteFiles(pages.root);
  const goneMs = performance.now() - started;
  pages.remove();
  return { goneMs };
}

/** As in W20k: each port twice in a row, then twice in a row in another order, then once. */
const portOf = `CASE WHEN n < $1 * 2 / 5 THEN n / 2 WHEN n < $1 * 4 / 5 THEN (n / 2)::bigint * 2741 % ($1 / 5) ELSE n - $1 * 4 / 5 END`;

function* pagesOf(rows: number): Generator<string> {
  for (let port = 0; port < rows / 5; port++) {
    for (const part of [1, 2])
      yield `ports/cat${String(port % 60).padStart(2, '0')}/port-${port}/Part${part}.html`;
  }
}
