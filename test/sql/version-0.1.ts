import { readFileSync } from 'node:fs';
import type { Client } from 'pg';

const text = readFileSync('test/sql/version-0.1.sql', 'utf8');

/** What "uncached schema --journal-only" of version 0.1 installs. */
export const version01 = `BEGIN; ${text} COMMIT`;

/** The journal of it alone. */
export const journal01 = text.slice(0, text.indexOf('-- Which cache stood where'));

/** What a daemon of version 0.1 does when it is notified, for a queue table `q`. Resolves with the number of entries. */
export async function claim01(client: Client): Promise<number> {
  const { rows } = await client.query<{ entries: number }>(`
    WITH taken AS (
      DELETE FROM q WHERE ctid = ANY (ARRAY(SELECT ctid FROM q ORDER BY id LIMIT 10 FOR UPDATE SKIP LOCKED)) RETURNING id, slug
    ), claimed AS (
      INSERT INTO uncached.journal (handler, key, enqueued_at, owner)
      SELECT 'h', jsonb_build_object('slug', slug), clock_timestamp(), '0f' FROM taken GROUP BY slug HAVING count(*) > 0
      RETURNING id, key
    )
    SELECT count(*)::int AS entries FROM taken`);
  return rows[0]?.entries ?? 0;
}
