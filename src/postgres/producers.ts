import type { ChannelBinding } from '../core/contracts.ts';
import { customTriggerNotices } from './custom-triggers.ts';
import { enqueueProblems } from './enqueue-triggers.ts';
import type { Pool } from './pool.ts';
import { type ServedTable, servedElsewhere } from './served-tables.ts';
import { readTriggers } from './trigger-list.ts';
import { unfilledTables } from './unfilled-tables.ts';

/**
 * Whether the triggers and functions that fill the queue tables fill the right ones and notify the right
 * channels, as far as the catalog shows.
 */
export async function inspectProducers(
  pool: Pool,
  served: readonly ServedTable[],
  listened: readonly ChannelBinding[] | undefined,
  isConfigured: (handler: string) => boolean,
): Promise<{ problems: string[]; notices: string[] }> {
  const { triggers, functions, attachable } = await readTriggers(pool);
  return {
    problems: enqueueProblems(triggers, {
      served,
      elsewhere: await servedElsewhere(pool),
      listened,
      isConfigured,
    }),
    notices: [
      ...unfilledTables(served, triggers, functions, attachable),
      ...(await customTriggerNotices(pool, triggers, served)),
    ],
  };
}
