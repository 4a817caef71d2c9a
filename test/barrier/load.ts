import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Random } from '../random.ts';

/** Keys that begin with e have uncached.enqueue(); those with s a trigger that skips what is queued already. */
export const keys = [...'01234567'].flatMap((n) => [`e${n}`, `s${n}`]);

export const handlers = `
[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
[handler.skipped]
queue = skipped
clear[] = skipped/{k}/*
`;

export const tables = `
  CREATE TABLE pages (k text PRIMARY KEY, v int NOT NULL);
  CREATE TABLE changelog (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, k text, v int, xid xid8 NOT NULL DEFAULT pg_current_xact_id());
  CREATE INDEX ON changelog (xid, id);
  CREATE TABLE skipped (id serial PRIMARY KEY, k text, xid xid8 NOT NULL DEFAULT pg_snapshot_xmin(pg_current_snapshot()));
  CREATE INDEX ON skipped (xid);
  INSERT INTO listen_for (name, script_name) VALUES ('page_skipped', 'skipped');
  INSERT INTO pages SELECT unnest('{${keys.join()}}'::text[]), 1;
  CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN INSERT INTO changelog (k, v) VALUES (NEW.k, NEW.v); RETURN NULL; END $$;
  CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO skipped (k) SELECT NEW.k WHERE NOT EXISTS (SELECT FROM skipped WHERE k = NEW.k);
    NOTIFY page_skipped;
    RETURN NULL;
  END $$;
  CREATE TRIGGER note AFTER UPDATE ON pages FOR EACH ROW EXECUTE FUNCTION note();
  CREATE TRIGGER enqueue AFTER UPDATE ON pages FOR EACH ROW WHEN (NEW.k < 's')
    EXECUTE FUNCTION uncached.enqueue('public.cache_clearing_ports', 'port_updated', 'category=k', 'port=k');
  CREATE TRIGGER skip AFTER UPDATE ON pages FOR EACH ROW WHEN (NEW.k >= 's') EXECUTE FUNCTION skip()`;

/** The page of a writer of each kind. */
export const pagesOf = (root: string, key: string) =>
  ['fenced', 'unfenced'].map((kind) => join(directoryOf(root, key), `${kind}.html`));

const directoryOf = (root: string, key: string) =>
  key.startsWith('e') ? join(root, 'ports', key, key) : join(root, 'skipped', key);

export function makeDirectories(root: string): void {
  for (const key of keys) mkdirSync(directoryOf(root, key), { recursive: true });
}

/** Undefined: it is not there. */
export function versionOf(page: string): number | undefined {
  try {
    return Number(readFileSync(page, 'utf8'));
  } catch {
    return undefined;
  }
}

/** One transaction: some keys, some savepoints, sometimes slow, and sometimes rolled back. */
export async function produce(client: Client, random: Random): Promise<void> {
  try {
    await client.query('BEGIN');
    for (const key of keys.filter(() => random.chance(0.12))) {
      if (random.chance(0.2)) await client.query('SAVEPOINT s');
      await client.query('UPDATE pages SET v = v + 1 WHERE k = $1', [key]);
      if (random.chance(0.1))
        await client.query(
          `SAVEPOINT t; UPDATE pages SET v = v + 1000000 WHERE k = '${key}'; ROLLBACK TO SAVEPOINT t`,
        );
      if (random.chance(0.3)) await wait(random.between(0, 30));
    }
    if (random.chance(0.05)) await wait(200);
    await client.query(random.chance(0.15) ? 'ROLLBACK' : 'COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    // A deadlock of two producers.
    if ((error as { code?: string }).code !== '40P01') throw error;
  }
}

/** Renders one page that is missing. True: there was one. A writer without a fence must be done before the settle time. */
export async function render(
  client: Client,
  random: Random,
  { root, spool, limitMs }: { root: string; spool: string; limitMs: number },
): Promise<boolean> {
  const key = random.pick(keys);
  const page = random.pick(pagesOf(root, key));
  if (existsSync(page)) return false;
  const begun = performance.now();
  const name = randomBytes(8).toString('hex');
  const isFenced = page.endsWith('/fenced.html');
  const temp = isFenced ? join(page, '..', `.fenced.html.${name}.tmp`) : join(spool, name);
  try {
    if (isFenced) writeFileSync(temp, '', { flag: 'wx' });
    const { rows } = await client.query<{ v: number }>('SELECT v FROM pages WHERE k = $1', [key]);
    await wait(random.between(0, isFenced ? 5 : 60));
    writeFileSync(temp, String(rows[0]?.v), { flag: isFenced ? 'r+' : 'wx' });
    if (!isFenced && performance.now() - begun > limitMs) return false;
    renameSync(temp, page);
  } catch (error) {
    // A clearing has found the temp.
    if ((error as { code?: string }).code !== 'ENOENT') throw error;
  }
  return true;
}
