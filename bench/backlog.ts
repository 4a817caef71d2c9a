import { execFileSync } from 'node:child_process';
import { readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { predecessorMissing } from '../test/freshports/predecessor.ts';
import { backlogSize, enqueueBacklog, namedPages } from '../test/workload.ts';
import { cpuMs } from './cpu.ts';
import { followBacklog, startDaemon } from './daemon.ts';
import type { Options } from './options.ts';
import { type Pages, writePages } from './pages.ts';
import { startPredecessor } from './predecessor.ts';
import { interleaved } from './statistics.ts';
import { emptyTables, tidy, type World, type Worlds } from './world.ts';

/** Milliseconds from the notification, and the CPU time used. */
export interface BacklogRun {
  readonly goneMs: number;
  readonly settledMs?: number;
  readonly cpuMs?: number;
  readonly transactions?: number;
  /**
   * The share of the rows that was done when the run was stopped. Time and CPU are extrapolated to all rows.
   */
  readonly part?: number;
}

type Name = 'uncached' | 'before' | 'predecessor' | 'limit' | 'find -delete';

const backlogRows = backlogSize.ports + backlogSize.dates;
/** The number of entries that the daemon claims at a time. */
const batch = 1_000;

export const backlogBatches = Math.ceil(backlogSize.ports / batch) + Math.ceil(backlogSize.dates / batch);

const pageBytes = 4_096;

/** W20k: the backlog that blocked the predecessor for two days, in a cache below `parent`. */
export async function measureBacklog(
  { world, before }: Worlds,
  parent: string,
  { quick, rounds, say }: Options,
): Promise<Partial<Record<Name, BacklogRun[]>>> {
  return await interleaved<BacklogRun, Name>(
    rounds,
    {
      uncached: () => drainByDaemon(world, parent),
      ...(before && { before: () => drainByDaemon(before, parent) }),
      ...(!predecessorMissing &&
        before === undefined && { predecessor: () => drainByPredecessor(world, parent, quick) }),
      ...(!before && { limit: () => limit(world, parent), 'find -delete': () => findDelete(parent) }),
    },
    say,
  );
}

async function drainByDaemon(world: World, parent: string): Promise<BacklogRun> {
  const pages = await begin(world, parent);
  const atStart = await commitsAtStart(world, pages);
  const daemon = await startDaemon(world, pages);
  try {
    await load(world);
    const before = { cpu: cpuMs(daemon.pid, world.server.pid), transactions: await commits(world) };
    const ends = followBacklog(daemon, backlogRows);
    const gone = pages.gone();
    const started = await notify(world);
    const goneMs = (await gone) - started;
    const { settled } = await ends;
    const cpu = cpuMs(daemon.pid, world.server.pid) - before.cpu;
    await daemon.stop();
    const transactions = (await commits(world)) - before.transactions - atStart;
    return { goneMs, settledMs: settled - started, cpuMs: cpu, transactions };
  } finally {
    await daemon.stop();
    pages.remove();
  }
}

export async function drainByPredecessor(world: World, parent: string, quick: boolean): Promise<BacklogRun> {
  const pages = await begin(world, parent);
  const predecessor = await startPredecessor(world, pages);
  try {
    await load(world);
    const before = cpuMs(predecessor.pid, world.server.pid);
    const over = new AbortController();
    const gone = pages.gone(over.signal);
    const started = await notify(world);
    await Promise.race([
      gone,
      wait(quick ? patienceMs.quick : patienceMs.full, undefined, { signal: over.signal }).catch(() => {}),
    ]);
    const now = performance.now();
    const used = cpuMs(predecessor.pid, world.server.pid) - before;
    const part = pages.left() === 0 ? 1 : 1 - (await backlog(world)) / backlogRows;
    over.abort();
    if (part === 1) return { goneMs: (await gone) - started, cpuMs: used };
    return { goneMs: (now - started) / part, cpuMs: used / part, part };
  } finally {
    await predecessor.stop('SIGKILL');
    pages.remove();
  }
}

/**
 * The predecessor goes row by row, each in the same time. Where commits are slow, the whole would take
 * minutes.
 */
const patienceMs = { quick: 2_000, full: 10_000 };

async function backlog({ client }: World): Promise<number> {
  const { rows } = await client.query<{ left: number }>(
    'SELECT (SELECT count(*) FROM cache_clearing_ports)::int + (SELECT count(*) FROM cache_clearing_dates)::int AS left',
  );
  return rows[0]?.left ?? 0;
}

/**
 * The lower limit: the same files by readdir and unlink in a loop, and one DELETE … RETURNING of the same
 * rows.
 */
async function limit(world: World, parent: string): Promise<BacklogRun> {
  const pages = await begin(world, parent);
  await load(world);
  const started = performance.now();
  deleteFiles(pages.root);
  await world.client.query({
    text: 'DELETE FROM cache_clearing_ports RETURNING category, port',
    rowMode: 'array',
  });
  await world.client.query({
    text: 'DELETE FROM cache_clearing_dates RETURNING date_to_clear',
    rowMode: 'array',
  });
  const goneMs = performance.now() - started;
  pages.remove();
  return { goneMs };
}

async function findDelete(parent: string): Promise<BacklogRun> {
  const pages = writePages(parent, namedPages(), pageBytes);
  sync();
  const started = performance.now();
  execFileSync('find', [pages.root, '-type', 'f', '-delete']);
  const goneMs = performance.now() - started;
  pages.remove();
  return { goneMs };
}

export function deleteFiles(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) deleteFiles(path);
    else unlinkSync(path);
  }
}

export async function begin(world: World, parent: string): Promise<Pages> {
  await emptyTables(world);
  const pages = writePages(parent, namedPages(), pageBytes);
  sync();
  return pages;
}

export async function load(world: World): Promise<void> {
  await enqueueBacklog(world.client);
  await world.client.query('DROP TABLE backlog');
  await tidy(world);
}

/** Flushes everything that is still on its way to the disk. */
function sync(): void {
  execFileSync('sync');
}

async function notify({ client }: World): Promise<number> {
  const started = performance.now();
  await client.query('NOTIFY port_updated; NOTIFY date_updated');
  return started;
}

/** The commits of a start and a stop with nothing to do. */
async function commitsAtStart(world: World, pages: Pages): Promise<number> {
  const before = await commits(world);
  const daemon = await startDaemon(world, pages);
  await daemon.stop();
  return (await commits(world)) - before;
}

/**
 * The commits of all other sessions. Those of a session are counted late, but completely once it has ended.
 */
async function commits({ client }: World): Promise<number> {
  const { rows } = await client.query<{ commits: string }>(
    'SELECT pg_stat_get_db_xact_commit(oid)::text AS commits FROM pg_database WHERE datname = current_database()',
  );
  return Number(rows[0]?.commits);
}
