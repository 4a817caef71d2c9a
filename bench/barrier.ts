import { type Latencies, measureLatencies } from '../test/barrier/latency.ts';
import { createDatabase } from '../test/postgres/database.ts';
import type { Options } from './options.ts';
import type { World } from './world.ts';

/** From a commit until its page is gone, and until the barrier lets the change be announced. */
export async function measureBarrier({ server }: World, { rounds, quick, say }: Options): Promise<Latencies> {
  const database = await createDatabase(server);
  try {
    const latencies = await measureLatencies(database.config, quick ? 20 : 40 * rounds);
    say(`  ${latencies.gone.length} changes of each kind`);
    return latencies;
  } finally {
    await database.drop();
  }
}
