import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { eventually } from '../faults/eventually.ts';
import type { RunningDaemon } from '../uncached.ts';

/**
 * A daemon listens before it knows root, if that takes long on a busy machine. It writes the marker before
 * the database knows of it: a root that is unmounted in between is unknown when it is back.
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
