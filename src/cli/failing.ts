import { type App, loadAll, openApp } from '../app.ts';
import type { FailingRow, FailingRows } from '../core/contracts.ts';
import { UsageError } from '../core/errors.ts';

/** Lists, retries or drops what cannot be cleared; without handler or ids, all of it. */
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
    throw new UsageError(['dropping gives clearings up for good: name ids, --handler or --all']);
  }
  const app = openApp(loadAll(file));
  try {
    await app.findPrimary();
    process.stdout.write(await act(app, action, which, json));
    return 0;
  } finally {
    await app.close();
  }
}

async function act(
  { journal }: App,
  action: 'list' | 'retry' | 'drop',
  which: FailingRows,
  json: boolean,
): Promise<string> {
  switch (action) {
    case 'list': {
      const rows = await journal.failing(which);
      return json ? `${JSON.stringify(rows, null, 2)}\n` : list(rows);
    }
    case 'retry':
      return `${await journal.retryNow(which)} rows will be tried again: at once, or with the next sweep of a daemon that cannot hear\n`;
    case 'drop':
      return `${await journal.drop(which)} rows dropped: their pages may stay stale\n`;
    default:
      return action satisfies never;
  }
}

function list(rows: readonly FailingRow[]): string {
  if (rows.length === 0) return 'nothing is failing\n';
  return rows.map((row) => `${describe(row)}\n`).join('');
}

function describe({ id, handler, key, error, attempts, ageMs, retryMs }: FailingRow): string {
  const next = retryMs === null || retryMs <= 0 ? 'now' : `in ${Math.ceil(retryMs / 1_000)} s`;
  return `${id}  ${handler}  ${JSON.stringify(key)}  failing for ${Math.round(ageMs / 1_000)} s, ${attempts} tries, next ${next}: ${error}`;
}

function toId(word: string): number {
  if (!/^\d+$/.test(word))
    throw new UsageError([`"${word}" is not the id of a journal row: see uncached failing list`]);
  return Number(word);
}
