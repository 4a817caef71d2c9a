import type { Handler } from '../../clearing/handler.ts';
import type { Configuration } from '../../config/typed-configuration.ts';
import { usableBindings } from '../../core/contracts.ts';
import { readChannels } from '../../postgres/channels.ts';
import { connectionConfigs } from '../../postgres/connection.ts';
import { openHosts } from '../../postgres/hosts.ts';
import { type LastClearing, lastClearing } from '../../postgres/last-clearing.ts';
import { type PendingRow, pendingRows, type QueuedKey, queuedKeys } from '../../postgres/pending.ts';
import { openPool } from '../../postgres/pool.ts';
import { matchesKey, possibleValues, type TemplateMatch } from './matches.ts';

/** How a handler concerns a page, according to the database. */
export interface PageStatus {
  readonly handler: Handler;
  readonly channels: readonly string[];
  /** Entries that name the page; undefined for a handler without a queue. */
  readonly queued: readonly QueuedKey[] | undefined;
  /** Rows of the log that name the page and are not settled, or fail. */
  readonly rows: readonly PendingRow[];
  /** The newest row of the log that names the page; undefined where it has none. */
  readonly last: LastClearing | undefined;
}

/** For each handler with a match: what the database knows. */
export async function readPageStatuses(
  { database }: Configuration,
  matches: readonly TemplateMatch[],
  covers: (pattern: string) => boolean,
): Promise<PageStatus[]> {
  const hosts = openHosts(connectionConfigs(database));
  const pool = openPool(hosts);
  try {
    await hosts.findPrimary();
    const handlers = [...new Set(matches.map(({ handler }) => handler))];
    const channels = await readChannels(pool);
    // The queue tables first: an entry that is claimed in between is then seen twice, rather than missed in
    // both places.
    const queued: (QueuedKey[] | undefined)[] = [];
    // One after the other: a path has few handlers, and each connection costs more than its statement.
    for (const handler of handlers) queued.push(await readQueue(handler));
    const inLog = await pendingRows(
      pool,
      handlers.map(({ name }) => name),
      ({ handler, key }) =>
        handlers.some((one) => one.name === handler && matchesKey(reasonsOf(one), key, covers)),
    );
    const last: (LastClearing | undefined)[] = [];
    for (const handler of handlers)
      last.push(
        await lastClearing(pool, handler.name, ({ key }) => matchesKey(reasonsOf(handler), key, covers)),
      );
    return handlers.map((handler, at): PageStatus => {
      const own = reasonsOf(handler);
      return {
        handler,
        channels: usableBindings(channels)
          .filter((one) => one.handler === handler.name)
          .map(({ channel }) => channel),
        queued: queued[at]?.filter(({ key }) => matchesKey(own, key, covers)),
        rows: inLog.filter((row) => row.handler === handler.name),
        last: last[at],
      };
    });
  } finally {
    await pool.end();
  }

  function reasonsOf(handler: Handler): TemplateMatch[] {
    return matches.filter((one) => one.handler === handler);
  }

  async function readQueue(handler: Handler): Promise<QueuedKey[] | undefined> {
    const { queue } = handler;
    if (queue === undefined) return undefined;
    const own = reasonsOf(handler);
    return queuedKeys(pool, queue, columnsOf(own), (column) => possibleValues(own, column));
  }
}

/**
 * The keys that decide whether an entry names the page; none where every entry does, since a large backlog
 * has as many keys.
 */
function columnsOf(matches: readonly TemplateMatch[]): string[] {
  const columns = matches.map(({ template }) => template.columns);
  return columns.some(({ length }) => length === 0) ? [] : [...new Set(columns.flat())];
}
