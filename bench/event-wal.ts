import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openFleet } from '../test/postgres/simulated-fleet.ts';
import { startDaemon, untilCalm } from './daemon.ts';
import type { Options } from './options.ts';
import { interleaved } from './statistics.ts';
import { emptyTables, tidy, type World, type Worlds, withSetting } from './world.ts';
import { walBytes } from './write-ahead-log.ts';

type Name = 'uncached' | 'before' | 'insert alone';

const events = 200;
const everyMs = 20;

/** Bytes of write-ahead log for a single event: its insert, and all that follows from it until its row is gone. */
export async function measureEventWal(
  { world, before }: Worlds,
  { rounds, say }: Options,
): Promise<Partial<Record<Name, number[]>>> {
  // A vacuum that comes in between writes more than all events.
  return await withSetting(world, { autovacuum: 'off' }, () =>
    interleaved<number, Name>(
      rounds,
      {
        uncached: () => measure(world, { clears: true }),
        ...(before && { before: () => measure(before, { clears: true }) }),
        'insert alone': () => measure(world, { clears: false }),
      },
      say,
    ),
  );
}

async function measure(world: World, { clears }: { clears: boolean }): Promise<number> {
  await emptyTables(world);
  const folder = mkdtempSync(join(world.memory, 'site-'));
  const root = join(folder, 'cache');
  mkdirSync(root);
  const daemon = clears ? await startDaemon(world, { root, folder }) : undefined;
  try {
    await tidy(world);
    // After a checkpoint the first change of each page is logged with the whole page.
    await send(world, 50);
    if (daemon) await untilCalm(world.client);
    const from = await walBytes(world);
    await send(world, events);
    if (daemon) await untilCalm(world.client);
    // A build before the log has nothing to trim.
    if (daemon && world.program === undefined) await trim(world);
    return ((await walBytes(world)) - from) / events;
  } finally {
    await daemon?.stop();
    rmSync(folder, { recursive: true });
  }
}

async function send({ client }: World, count: number): Promise<void> {
  for (let event = 0; event < count; event++) {
    await client.query(
      `INSERT INTO cache_clearing_ports (category, port) VALUES ('cat00', 'port-${event}'); NOTIFY port_updated`,
    );
    await wait(everyMs);
  }
}

async function trim({ database }: World): Promise<void> {
  const fleet = await openFleet(database.config, { nodes: 0 });
  await fleet.trim();
  await fleet.close();
}
