import type { Client } from 'pg';
import { eventually } from '../faults/eventually.ts';
import { articles, type Stack } from './stack.ts';
import { visit } from './visitors.ts';

export interface Stale {
  readonly layer: string;
  readonly id: number;
  readonly version: number;
  /** The one in the database. */
  readonly newest: number;
  readonly readAt: number;
}

const settledMs = 100_000;

/** Waits until every cache has settled every change. There must be no new ones. Throws if that never comes. */
export async function untilSettled(client: Client, { layers }: Stack): Promise<void> {
  const state = async () => {
    const { rows } = await client.query(
      'SELECT *, (SELECT count(*) FROM queue_article) AS queued, (SELECT max(id) FROM uncached.log) AS newest FROM uncached.consumer',
    );
    return JSON.stringify(rows, null, 1);
  };
  await eventually(
    'settled',
    async () => {
      const { rows } = await client.query<{ settled: number }>(
        `SELECT count(*)::int AS settled FROM uncached.consumer
         WHERE state = 'live' AND settled_to >= (SELECT coalesce(max(id), 0) FROM uncached.log)
           AND NOT EXISTS (SELECT FROM queue_article) AND NOT EXISTS (SELECT FROM uncached.failing)`,
      );
      return rows[0]?.settled === layers.length || undefined;
    },
    state,
    settledMs,
  );
}

/** Asks every layer for every page. Returns those that are not what the database says, and how many came from caches. */
export async function compare(
  client: Client,
  { layers }: Pick<Stack, 'layers'>,
): Promise<{ stale: Stale[]; compared: number; cached: number }> {
  const { rows } = await client.query<{ id: number; version: number }>('SELECT id, version FROM article');
  const stale: Stale[] = [];
  let cached = 0;
  // The outermost first: a layer that is asked fills those that it stands before.
  for (const layer of layers.toReversed()) {
    for (const { id, version: newest } of rows) {
      const { article, cached: fromCache } = await visit(layer, id);
      if (fromCache) cached += 1;
      const { version, readAt } = article;
      if (version !== newest || article.id !== id)
        stale.push({ layer: layer.name, id, version, newest, readAt });
    }
  }
  return { stale, compared: articles * layers.length, cached };
}
