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

interface Load {
  readonly events: number;
  readonly everyMs: number;
}

/** Bytes of write-ahead log for a single event: its insert, and all that follows from it until its row is gone. */
export async function measureEventWal(
  { world, before }: Worlds,
  { rounds, quick, say }: Options,
): Promise<Partial<Record<Name, number[]>>> {
  const load = quick ? { events: 60, everyMs: 10 } : { events: 200, everyMs: 20 };
  // A vacuum that comes in between writes more than all events.
  return await withSetting(world, { autovacuum: 'off' }, () =>
    interleaved<number, Name>(
      rounds,
      {
        uncached: () => measure(world, load, { clears: true }),
        ...(before && { before: () => measure(before, load, { clears: true }) }),
        ...(!before && { 'insert alone': () => measure(world, load, { clears: false }) }),
      },
      say,
    ),
  );
}

async function measure(world: World, load: Load, { clears }: { clears: boolean }): Promise<number> {
  await emptyTables(world);
  const folder = mkdtempSync(join(world.memory, 'site-'));
  const root = join(folder, 'cache');
  mkdirSync(root);
  const daemon = clears ? await startDaemon(world, { root, folder }) : undefined;
  try {
    await tidy(world);
    // After a checkpoint the first change of each page is logged with the whole page.
    await send(world, { ...load, events: 50 });
    if (daemon) await untilCalm(world.client);
    const from = await walBytes(world);
    await send(world, load);
    if (daemon) await untilCalm(world.client);
    if (daemon) await trim(world);
    return ((await walBytes(world)) - from) / load.events;
  } finally {
    await daemon?.stop();
    rmSync(folder, { recursive: true });
  }
}

async function send({ client }: World, { events, everyMs }: Load): Promise<void> {
  for (let event = 0; event < events; event++) {
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
