import type { Client } from 'pg';

/** What `uncached.notify(channel, column…)` sends, for a database whose version of sql/ does not have it. */
const standIn = `
CREATE SCHEMA IF NOT EXISTS uncached;
CREATE FUNCTION uncached.notify() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE
  changed jsonb;
BEGIN
  FOREACH changed IN ARRAY ARRAY[to_jsonb(OLD), to_jsonb(NEW)] LOOP
    CONTINUE WHEN changed IS NULL;
    PERFORM pg_notify(lower(TG_ARGV[0]), (SELECT jsonb_object_agg(name, changed ->> name) FROM unnest(TG_ARGV[1:]) AS name)::text);
  END LOOP;
  RETURN NULL;
END $function$`;

/** Makes sure that there is a trigger function `uncached.notify`. */
export async function ensureNotify(client: Client): Promise<void> {
  const { rows } = await client.query("SELECT FROM pg_proc WHERE oid = to_regproc('uncached.notify')");
  if (rows.length === 0) await client.query(standIn);
}
