import { type Client, escapeLiteral } from 'pg';

/**
 * The ways to attach a table to uncached.enqueue(): FOR EACH ROW, or FOR EACH STATEMENT with transition
 * tables.
 */
export type Level = 'row' | 'statement';
export const levels: readonly Level[] = ['row', 'statement'];

const oldRows = 'OLD TABLE AS old_rows';
const newRows = 'NEW TABLE AS new_rows';

/** Creates the triggers that 5-enqueue.sql shows, with `args` for uncached.enqueue(). */
export function attach(client: Client, level: Level, table: string, args: string[]): Promise<void> {
  return create(client, level, table, 'enqueue', args);
}

/** The same for uncached.notify(), and one for TRUNCATE: see 4-notify.sql. */
export async function attachNotify(
  client: Client,
  level: Level,
  table: string,
  args: string[],
): Promise<void> {
  await create(client, level, table, 'notify', args);
  await client.query(
    `CREATE TRIGGER notify_TRUNCATE AFTER TRUNCATE ON ${table} FOR EACH STATEMENT ${actionOf('notify', args)}`,
  );
}

const actionOf = (called: string, args: string[]) =>
  `EXECUTE FUNCTION uncached.${called}(${args.map((arg) => escapeLiteral(arg)).join(', ')})`;

async function create(
  client: Client,
  level: Level,
  table: string,
  called: 'enqueue' | 'notify',
  args: string[],
): Promise<void> {
  const action = actionOf(called, args);
  if (level === 'row') {
    await client.query(
      `CREATE TRIGGER ${called} AFTER INSERT OR UPDATE OR DELETE ON ${table} FOR EACH ROW ${action}`,
    );
    return;
  }
  for (const [event, tables] of [
    ['INSERT', newRows],
    ['UPDATE', `${oldRows} ${newRows}`],
    ['DELETE', oldRows],
  ]) {
    await client.query(
      `CREATE TRIGGER ${called}_${event} AFTER ${event} ON ${table} REFERENCING ${tables} FOR EACH STATEMENT ${action}`,
    );
  }
}
