import type { Handler } from '../clearing/handler.ts';
import { isNamedBy, type Reason, valuesOf } from '../clearing/reasons.ts';
import type { Configuration } from '../core/configuration.ts';
import { readChannels } from '../postgres/channels.ts';
import { connectionConfigs } from '../postgres/connection.ts';
import { openHosts } from '../postgres/hosts.ts';
import { openPool } from '../postgres/pool.ts';
import { type QueuedKey, queuedKeys, type WaitingRow, waitingRows } from '../postgres/waiting.ts';
import { lastClearingInWords, lastClearings } from './remembered.ts';

/** What a handler has to do with a page, by the database. */
export interface Account {
  readonly handler: Handler;
  readonly channels: readonly string[];
  /** Entries that name the page; undefined for a handler without a queue. */
  readonly queued: readonly QueuedKey[] | undefined;
  /** Journal rows that name the page. */
  readonly rows: readonly WaitingRow[];
  /** When it last cleared the page, by the daemon's memory; undefined where that cannot be asked. */
  readonly cleared: string | undefined;
}

/** For each handler that has a reason: what the database knows. */
export async function readAccounts(
  { database, http }: Configuration,
  reasons: readonly Reason[],
  names: (pattern: string) => boolean,
): Promise<Account[]> {
  const hosts = openHosts(connectionConfigs(database));
  const pool = openPool(hosts);
  try {
    await hosts.findPrimary();
    const handlers = [...new Set(reasons.map(({ handler }) => handler))];
    const channels = await readChannels(pool);
    const clearings = await lastClearings(http.listen);
    // The queue tables first: an entry claimed in between is then seen twice, and not missed in both places.
    const queued = await Promise.all(handlers.map(readQueue));
    const journal = await waitingRows(
      pool,
      handlers.map(({ name }) => name),
    );
    return handlers.map((handler, at): Account => {
      const own = reasonsOf(handler);
      return {
        handler,
        channels: channels.filter((one) => one.handler === handler.name).map(({ channel }) => channel),
        queued: queued[at]?.filter(({ key }) => isNamedBy(own, key, names)),
        rows: journal.filter((row) => row.handler === handler.name && isNamedBy(own, row.key, names)),
        cleared: clearings && lastClearingInWords(clearings, own, names),
      };
    });
  } finally {
    await pool.end();
  }

  function reasonsOf(handler: Handler): Reason[] {
    return reasons.filter((one) => one.handler === handler);
  }

  async function readQueue(handler: Handler): Promise<QueuedKey[] | undefined> {
    const { queue } = handler;
    if (queue === undefined) return undefined;
    const own = reasonsOf(handler);
    return queuedKeys(pool, queue, columnsOf(own), (column) => valuesOf(own, column));
  }
}

/** Those that decide whether an entry names the page: none where every entry does, for a large backlog has as many keys. */
function columnsOf(reasons: readonly Reason[]): string[] {
  const columns = reasons.map(({ template }) => template.columns);
  return columns.some(({ length }) => length === 0) ? [] : [...new Set(columns.flat())];
}
