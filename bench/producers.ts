import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import type { RunningDaemon } from '../test/uncached.ts';
import { startDaemon } from './daemon.ts';
import type { Options } from './options.ts';
import { interleaved } from './statistics.ts';
import { emptyTables, type World } from './world.ts';

const keys = 20_000;

/**
 * How long an insert of a queued key takes, in milliseconds, while the backlog drains and when the daemon is
 * idle. The table has the unique constraint of FreshPorts' own, where ON CONFLICT waits for a claim of the
 * same key. Inserts of other keys wait for nothing. If they take longer, they had no core.
 */
export async function measureProducers(world: World, { rounds, say }: Options) {
  await emptyTables(world);
  await world.client.query('CREATE UNIQUE INDEX legacy ON cache_clearing_ports (category, port)');
  try {
    return await interleaved<number[], 'draining' | 'draining, other keys' | 'at rest'>(
      rounds,
      {
        draining: () => produce(world, { drains: true, first: 1 }),
        'draining, other keys': () => produce(world, { drains: true, first: keys + 1 }),
        'at rest': () => produce(world, { drains: false, first: 1 }),
      },
      say,
    );
  } finally {
    await world.client.query('DROP INDEX legacy');
  }
}

/** As many entries as there were at first, because the producer adds some. */
async function untilClaimed(daemon: RunningDaemon): Promise<void> {
  let left = keys;
  await daemon.until(
    'end of the backlog',
    (line) => {
      if (line.event === 'cleared') left -= Number(line.entries);
      return left <= 0;
    },
    60_000,
  );
}

async function produce(
  world: World,
  { drains, first }: { drains: boolean; first: number },
): Promise<number[]> {
  await emptyTables(world);
  const folder = mkdtempSync(join(world.memory, 'site-'));
  mkdirSync(join(folder, 'cache'));
  const daemon = await startDaemon(world, { root: join(folder, 'cache'), folder });
  const producer = new Client(world.database.config);
  await producer.connect();
  try {
    await world.client.query(
      `INSERT INTO cache_clearing_ports (category, port) SELECT 'www', 'port-' || i FROM generate_series(1, $1::int) i`,
      [keys],
    );
    const insert = (key: number) =>
      producer.query(
        `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'port-' || $1::int) ON CONFLICT DO NOTHING`,
        [key],
      );
    // The first one of a session reads the catalogs, which takes several milliseconds.
    await insert(first);
    const over = { is: false };
    const ends = drains ? untilClaimed(daemon) : wait(500);
    if (drains) await world.client.query('NOTIFY port_updated');
    const end = () => {
      over.is = true;
    };
    ends.then(end, end);
    const times: number[] = [];
    for (let n = 0; !over.is; n++) {
      const started = performance.now();
      await insert(first + ((n * 7_919) % keys));
      times.push(performance.now() - started);
      await wait(1);
    }
    await ends;
    return times;
  } finally {
    await producer.end();
    await daemon.stop();
    rmSync(folder, { recursive: true });
  }
}
