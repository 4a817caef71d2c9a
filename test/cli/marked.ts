import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { eventually } from '../faults/eventually.ts';
import type { RunningDaemon } from '../uncached.ts';

/**
 * Resolves when root has its marker and the database has recorded that one. On a busy machine a daemon may
 * listen before that. It writes the marker before the database records it. A root that is unmounted in
 * between is unknown when it returns.
 */
export function marked(root: string, client: Client, daemon: RunningDaemon | undefined): Promise<true> {
  return eventually(
    'marked',
    async () => {
      const { rowCount } = await client.query(
        'SELECT FROM uncached.root CROSS JOIN jsonb_each_text(places) AS place WHERE place.value = $1',
        [markerId(root)],
      );
      return rowCount === 1 || undefined;
    },
    async () => JSON.stringify(daemon?.log),
  );
}

function markerId(root: string): string | undefined {
  try {
    return JSON.parse(readFileSync(join(root, '.uncached'), 'utf8')).id;
  } catch {
    return undefined;
  }
}
