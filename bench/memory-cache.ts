import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Client } from 'pg';
import { entryGone } from './entry-gone.ts';
import type { Options } from './options.ts';
import { pageRates } from './page-rates.ts';
import type { World } from './world.ts';

export interface MemoryCache {
  /** Milliseconds from an UPDATE that was sent. */
  readonly gone: { readonly bare: number[]; readonly entry: number[] };
  /** Requests a second, of each round. */
  readonly rates: { readonly rendered: number[]; readonly memory: number[]; readonly unchanged: number[] };
  /** Of an entry with two dependencies, beyond its value. */
  readonly bytes: number;
}

/** Memory-cache, in the process of a site. */
export async function measureMemoryCache(
  { client, database }: World,
  { rounds, quick, say }: Options,
): Promise<MemoryCache> {
  await makeTables(client);
  try {
    const bytes = await entryBytes();
    say(`  ${Math.round(bytes)} bytes an entry`);
    const gone = await entryGone(database.config, quick ? 200 : 400 * rounds);
    return { bytes, gone, rates: await pageRates(database.config, { rounds, ms: quick ? 300 : 1_000, say }) };
  } finally {
    await client.query('DROP TABLE site_ports, site_links');
  }
}

async function makeTables(client: Client): Promise<void> {
  await client.query(`
    CREATE TABLE site_ports (category text, name text PRIMARY KEY, version int NOT NULL DEFAULT 0);
    INSERT INTO site_ports SELECT 'www', 'port' || nth, 0 FROM generate_series(0, 199) AS nth;
    CREATE TABLE site_links (port text, nth int, href text, title text);
    INSERT INTO site_links SELECT 'port1', nth, '/pool/' || md5(nth::text) || '.tar.gz', 'Version ' || nth || ' & its "notes"'
      FROM generate_series(1, 300) AS nth;
    CREATE INDEX ON site_links (port);
    CREATE TRIGGER notify AFTER UPDATE ON site_ports FOR EACH ROW
      EXECUTE FUNCTION uncached.notify('site_port_updated', 'category', 'name')`);
}

/** In a process of its own, where nothing else allocates. */
async function entryBytes(): Promise<number> {
  const child = fork(join(import.meta.dirname, 'entry-bytes.js'), { execArgv: ['--expose-gc'] });
  const [bytes] = (await once(child, 'message')) as [number];
  return bytes;
}
