import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startBare } from './bare-process.ts';
import { cpuMs } from './cpu.ts';
import { startDaemon } from './daemon.ts';
import type { Options } from './options.ts';
import { interleaved } from './statistics.ts';
import { emptyTables, type World, type Worlds } from './world.ts';

const channels = ['port_updated', 'date_updated', 'commit_updated', 'file_updated', 'ports_moved', 'vuxml'];
const notifications = 50_000;
const backlog = 10_000;

export interface StormRun {
  readonly cpuMs: number;
}

/**
 * CPU time of the daemon for a storm while it drains, for the same drain without a storm, and of
 * node-postgres when it only receives.
 */
export async function measureStorm({ world, before }: Worlds, { rounds, quick, say }: Options) {
  const count = quick ? notifications / 5 : notifications;
  const worlds = before ? [world, before] : [world];
  for (const { client } of worlds)
    await client.query(
      `INSERT INTO listen_for (name, script_name) VALUES ('ports_moved', 'news'), ('vuxml', 'news')`,
    );
  const runs = await interleaved<StormRun, 'uncached' | 'before' | 'in peace' | 'receiving'>(
    rounds,
    {
      uncached: () => drain(world, count),
      ...(before
        ? { before: () => drain(before, count) }
        : { 'in peace': () => drain(world, 0), receiving: () => receive(world, count) }),
    },
    say,
  );
  for (const { client } of worlds) await client.query(`DELETE FROM listen_for WHERE script_name = 'news'`);
  return runs;
}

async function drain(world: World, count: number): Promise<StormRun> {
  await emptyTables(world);
  const folder = mkdtempSync(join(world.memory, 'site-'));
  mkdirSync(join(folder, 'cache/ports/www/last'), { recursive: true });
  const daemon = await startDaemon(world, { root: join(folder, 'cache'), folder });
  try {
    await world.client.query(
      `INSERT INTO cache_clearing_ports (category, port, xid)
       SELECT 'www', 'port-' || i, i::text::xid8 FROM generate_series(1, $1::int) i`,
      [backlog],
    );
    const before = cpuMs(daemon.pid);
    await world.client.query('NOTIFY port_updated');
    await send(world, count);
    await world.client.query(
      `INSERT INTO cache_clearing_dates (date_to_clear) VALUES ('2020-01-31'); NOTIFY date_updated`,
    );
    let entries = backlog + 1;
    await daemon.until(
      'end of the storm',
      (line) => {
        if (line.event === 'cleared' && line.handler !== 'news') entries -= Number(line.entries);
        return entries === 0;
      },
      120_000,
    );
    return { cpuMs: cpuMs(daemon.pid) - before };
  } finally {
    await daemon.stop();
    rmSync(folder, { recursive: true });
  }
}

async function receive(world: World, sent: number): Promise<StormRun> {
  const receiver = await startBare(world, 'count', channels);
  try {
    const before = cpuMs(receiver.pid);
    await send(world, sent);
    await world.client.query(`NOTIFY port_updated, 'last'`);
    const count = Number(await receiver.line());
    if (count !== sent + 1) throw new Error(`Only ${count} notifications came`);
    return { cpuMs: cpuMs(receiver.pid) - before };
  } finally {
    await receiver.stop();
  }
}

/** One transaction for each, as triggers send them. */
async function send({ client }: World, count: number): Promise<void> {
  await client.query('SET synchronous_commit = off');
  await client.query(`
    DO $$ BEGIN
      FOR i IN 1..${count} LOOP
        PERFORM pg_notify(('{${channels.join(',')}}'::text[])[1 + i % 6], i::text);
        COMMIT;
      END LOOP;
    END $$`);
  await client.query('RESET synchronous_commit');
}
