import { existsSync, mkdirSync, mkdtempSync, rmSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { predecessorMissing } from '../test/freshports/predecessor.ts';
import { startBare } from './bare-process.ts';
import { startDaemon } from './daemon.ts';
import type { Options } from './options.ts';
import { startPredecessor } from './predecessor.ts';
import { interleaved } from './statistics.ts';
import { emptyTables, type World, type Worlds } from './world.ts';

type Name = 'uncached' | 'with a key' | 'before' | 'before, with a key' | 'predecessor' | 'bare';

/** The number of events and the time between them. */
interface Load {
  readonly events: number;
  readonly everyMs: number;
}

/** More than the events in a block, so that no event is cleared by the entry of another. */
const ports = 600;
/** Not measured: it compiles code and opens connections. */
const warmUp: Load = { events: 40, everyMs: 10 };

/**
 * Milliseconds from sending an event's INSERT and NOTIFY, which are the same for all candidates but for the
 * payload, until its page is gone.
 */
export async function measureLatency(
  { world, before }: Worlds,
  { events, everyMs }: Load,
  { rounds, say }: Options,
): Promise<Partial<Record<Name, number[][]>>> {
  const block = { events: Math.ceil(events / rounds), everyMs };
  const daemonOf = (of: World) => (site: Site) => startDaemon(of, site);
  const builds: Partial<Record<Name, () => Promise<number[]>>> = {
    uncached: () => measured(world, block, daemonOf(world)),
    ...(before && { before: () => measured(before, block, daemonOf(before)) }),
    'with a key': () => measured(world, block, daemonOf(world), insertWithKey),
    ...(before && { 'before, with a key': () => measured(before, block, daemonOf(before), insertWithKey) }),
  };
  if (before) return await interleaved(rounds, builds, say);
  const others: Partial<Record<Name, () => Promise<number[]>>> = {
    ...(!predecessorMissing && {
      predecessor: () => measured(world, block, (site) => startPredecessor(world, site)),
    }),
    bare: () =>
      measured(
        world,
        block,
        () => startBare(world, 'unlink', ['port_updated']),
        (port, page) => `${insert(port)}, '${page}'`,
      ),
  };
  return await interleaved(rounds, { ...builds, ...others }, say);
}

interface Site {
  readonly root: string;
  readonly folder: string;
}

const insert = (port: number) =>
  `INSERT INTO cache_clearing_ports (category, port) VALUES ('cat00', 'port-${port}'); NOTIFY port_updated`;

/** As uncached.enqueue() notifies. */
const insertWithKey = (port: number) => `${insert(port)}, '{"category": "cat00", "port": "port-${port}"}'`;

async function measured(
  world: World,
  load: Load,
  start: (site: Site) => Promise<{ stop(): Promise<unknown> }>,
  sqlOf: (port: number, page: string) => string = insert,
): Promise<number[]> {
  await emptyTables(world);
  // The sender's commit must not wait for the disk: that time is not the daemon's.
  await world.client.query('SET synchronous_commit = off');
  const folder = mkdtempSync(join(world.memory, 'site-'));
  const root = join(folder, 'cache');
  const directories = Array.from({ length: ports }, (_, port) => join(root, `ports/cat00/port-${port}`));
  for (const directory of directories) mkdirSync(directory, { recursive: true });
  const contestant = await start({ root, folder });
  try {
    await send(world, directories, warmUp, sqlOf);
    return await send(world, directories, load, sqlOf);
  } finally {
    await contestant.stop();
    await world.client.query('RESET synchronous_commit');
    rmSync(folder, { recursive: true });
  }
}

/** Sends the next event when it is due, without waiting for the answer, like a program that changes data. */
async function send(
  { client }: World,
  directories: readonly string[],
  { events, everyMs }: Load,
  sqlOf: (port: number, page: string) => string,
): Promise<number[]> {
  const sent = new Map<string, number>();
  const times: number[] = [];
  // inotify reports a change within some 50 µs, which is the same for all candidates.
  const watchers = directories.map((directory) =>
    watch(directory, (event, name) => {
      const at = sent.get(`${directory}/${name}`);
      if (event !== 'rename' || at === undefined) return;
      times.push(performance.now() - at);
      sent.delete(`${directory}/${name}`);
    }),
  );
  let answered: Promise<unknown> = Promise.resolve();
  const begun = performance.now();
  for (let event = 0; event < events; event++) {
    await wait(Math.max(0, begun + event * everyMs - performance.now()));
    const port = event % directories.length;
    const page = `${directories[port]}/Detail.${event}.html`;
    writeFileSync(page, 'x'.repeat(4_096));
    // The inotify event of the page's creation must not be mistaken for its deletion.
    await wait(1);
    // The page was cleared by a late second clearing of the same port.
    if (!existsSync(page)) continue;
    sent.set(page, performance.now());
    answered = answered.then(() => client.query(sqlOf(port, page))).catch(() => {});
  }
  await answered;
  for (let left = 10_000; sent.size > 0 && left > 0; left--) await wait(1);
  for (const watcher of watchers) watcher.close();
  if (sent.size > 0) throw new Error(`${sent.size} of ${events} pages are still there`);
  return times;
}
