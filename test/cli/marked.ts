import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { eventually } from '../faults/eventually.ts';
import type { RunningDaemon } from '../uncached.ts';

/**
 * Resolves when root has its marker and the database has recorded it. On a busy machine a daemon may listen
 * before that. It writes the marker before the database records it. A root that is unmounted in between is
 * unknown when it returns.
 */
export function marked(root: string, client: Client, daemon: RunningDaemon | undefined): Promise<true> {
  return eventually(
    'marked',
    async () => {
      if (!existsSync(join(root, '.uncached'))) return undefined;
      const { rowCount } = await client.query(`SELECT FROM uncached.root WHERE places <> '{}'`);
      return rowCount === 1 || undefined;
    },
    async () => JSON.stringify(daemon?.log),
  );
}
