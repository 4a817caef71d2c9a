import { openFleet } from '../test/postgres/simulated-fleet.ts';
import type { Options } from './options.ts';
import { interleaved, median } from './statistics.ts';
import { emptyTables, tidy, type World } from './world.ts';
import { walBytes } from './write-ahead-log.ts';

export interface FleetRun {
  /** Median of the claims of 1,000 entries. */
  readonly claimMs: number;
  /** When every node had settled everything. */
  readonly settledMs: number;
  /** Of an entry: claimed, settled by all, and trimmed. */
  readonly walBytes: number;
}

const entries = 20_000;
const batch = 1_000;
const sizes = { '1 node': 1, '8 nodes': 8, '32 nodes': 32 } as const;
type Name = keyof typeof sizes;

/**
 * What the database does for a fleet: the statements of its daemons, without the daemons. A real one is a process
 * of its own, on another host.
 */
export async function measureFleet(
  world: World,
  { rounds, say }: Options,
): Promise<Partial<Record<Name, FleetRun[]>>> {
  const contestants = Object.fromEntries(
    Object.entries(sizes).map(([name, nodes]) => [name, () => settle(world, nodes)]),
  );
  return await interleaved<FleetRun, Name>(rounds, contestants, say);
}

async function settle(world: World, nodes: number): Promise<FleetRun> {
  await emptyTables(world);
  const fleet = await openFleet(world.database.config, { nodes });
  try {
    await world.client.query(
      `INSERT INTO cache_clearing_ports (category, port) SELECT 'cat' || i % 60, 'port-' || i FROM generate_series(1, ${entries}) AS i`,
    );
    await tidy(world);
    const before = await walBytes(world);
    const started = performance.now();
    const claims = await fleet.claim(entries, batch);
    await fleet.settle(entries);
    const settledMs = performance.now() - started;
    await fleet.trim();
    return { claimMs: median(claims), settledMs, walBytes: ((await walBytes(world)) - before) / entries };
  } finally {
    await fleet.close();
  }
}
