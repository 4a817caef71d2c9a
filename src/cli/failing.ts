import { type App, openApp } from '../app.ts';
import type { FailingRow, FailingRows, SeenConsumer } from '../core/consumer-contract.ts';
import { formatConsumer } from '../core/consumer-name.ts';
import { formatDuration } from '../core/duration.ts';
import { UsageError } from '../core/errors.ts';
import { several } from '../core/plural.ts';
import { clip, clipAll, longestError } from '../core/printable-text.ts';
import { didYouMean } from '../core/suggest.ts';
import { loadAll } from '../load-all.ts';
import { complain, print, say, sayAll } from './output.ts';

/** Lists, retries or drops rows that cannot be cleared; without handler or ids, all of them. */
export async function failing(
  file: string,
  action: 'list' | 'retry' | 'drop',
  ids: readonly string[],
  { handler, json = false, all = false }: { handler?: string; json?: boolean; all?: boolean },
): Promise<number> {
  const which: FailingRows = {
    ...(handler !== undefined && { handler }),
    ...(ids.length > 0 && { ids: ids.map(toId) }),
  };
  if (action === 'drop' && Object.keys(which).length === 0 && !all) {
    throw new UsageError(['drop discards clearings for good: name ids, --handler or --all']);
  }
  const app = openApp(loadAll(file));
  try {
    await app.findPrimary();
    return await act(app, action, which, json);
  } finally {
    await app.close();
  }
}

async function act(
  app: App,
  action: 'list' | 'retry' | 'drop',
  which: FailingRows,
  json: boolean,
): Promise<number> {
  const { log } = app;
  const stranger = which.handler === undefined ? undefined : formatUnknownHandler(which.handler, app);
  switch (action) {
    case 'list': {
      const rows = await log.failing(which);
      if (json) print(`${JSON.stringify(rows, null, 2)}\n`);
      else list(rows, rows.length > 0 ? await log.consumers() : []);
      if (stranger !== undefined && rows.length === 0) complain(stranger);
      return 0;
    }
    case 'retry': {
      const count = await log.retryNow(which);
      say(
        `${several(count, 'row')} will be retried: at once, or with the next sweep of a daemon that is not listening`,
      );
      return whetherAll(count, which, stranger);
    }
    case 'drop': {
      const count = await log.drop(which);
      say(`${several(count, 'row')} dropped: pages may stay stale`);
      return whetherAll(count, which, stranger);
    }
    default:
      return action satisfies never;
  }
}

/**
 * Rows of a handler that no daemon has, or that is disabled, are never tried; and its name may be mistyped.
 */
function formatUnknownHandler(handler: string, { handlers, disabled }: App): string | undefined {
  if (handlers.has(handler)) return undefined;
  const why = disabled.get(handler);
  if (why !== undefined) return `the handler "${handler}" is disabled: ${why}`;
  return `the handler "${handler}" is not configured${didYouMean(handler, [...handlers.keys(), ...disabled.keys()])}`;
}

/** A name or id that does not exist is mistyped, or its row is already done: the user should check. */
function whetherAll(count: number, { handler, ids }: FailingRows, stranger: string | undefined): number {
  const missing = ids === undefined ? 0 : new Set(ids).size - count;
  if (missing > 0)
    complain(
      `${several(missing, 'id is not a failing row', 'ids are not failing rows')}: see uncached failing list`,
    );
  else if (handler !== undefined && count === 0)
    complain(stranger ?? `nothing of the handler "${handler}" is failing: see uncached failing list`);
  else return 0;
  return 1;
}

function list(rows: readonly FailingRow[], consumers: readonly SeenConsumer[]): void {
  if (rows.length === 0) say('nothing is failing');
  const names = new Map(consumers.map((one) => [one.id, formatConsumer(one)]));
  const placeOf = ({ consumer }: FailingRow) =>
    names.size > 1 ? `, in ${names.get(consumer) ?? consumer}` : '';
  sayAll(rows.map((row) => describe(row, placeOf(row))));
}

function describe(
  { id, handler, key, error, attempts, ageMs, retryMs, invalid }: FailingRow,
  place: string,
): string {
  const next = retryMs === null || retryMs <= 0 ? 'now' : `in ${formatDuration(retryMs)}`;
  const age = formatDuration(ageMs);
  const state = invalid
    ? `an invalid key for ${age}, not retried`
    : `failing for ${age}, ${several(attempts, 'try', 'tries')}, next ${next}`;
  return `${id}  ${handler}  ${JSON.stringify(clipAll(key))}  ${state}${place}: ${clip(error, longestError)}`;
}

function toId(word: string): number {
  if (!/^\d+$/.test(word))
    throw new UsageError([`"${word}" is not the id of a row: see uncached failing list`]);
  return Number(word);
}
