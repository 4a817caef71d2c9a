import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { nameOf, pages, pagesOf } from './families.ts';
import type { Load } from './load.ts';

const all = [...pages.keys()];

/** Usually a page that is changing now, or was a moment ago. */
export function choosePage({ random, hot }: Load): { path: string; changing: boolean } {
  if (random.chance(0.15)) return { path: random.pick(all), changing: false };
  const agoMs = random.chance(0.4) ? random.below(8_000) : 0;
  const [first = '', ...others] = pagesOf(random.pick(hot(Date.now() - agoMs)));
  return { path: random.chance(0.7) ? first : random.pick(others), changing: agoMs === 0 };
}

/**
 * For a writer. Some pages of the changing data have expired, because pages are deleted for other reasons
 * too. Without that, few would be rendered at that time.
 */
export function chooseToRender(load: Load): string {
  const { path, changing } = choosePage(load);
  if (changing && load.random.chance(0.3)) rmSync(join(load.root, path), { force: true });
  return path;
}

/** What the page shows. One statement, so one snapshot. */
export async function readVersions(client: Client, path: string): Promise<Record<string, number>> {
  const { family = null, category = null, port = null } = pages.get(path) ?? {};
  const { rows } = await client.query<{ family: 'row'; category: string; port: string; version: string }>({
    name: 'read',
    text: `SELECT * FROM datum WHERE ($1::text IS NULL OR family = $1) AND ($2::text IS NULL OR category = $2)
           AND ($3::text IS NULL OR port = $3)`,
    values: [family, category, port],
  });
  return Object.fromEntries(rows.map((row) => [nameOf(row), Number(row.version)]));
}
