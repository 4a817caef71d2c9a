import { type Client, escapeLiteral } from 'pg';

/**
 * The ways to attach a table to uncached.enqueue(): FOR EACH ROW, or FOR EACH STATEMENT with transition
 * tables.
 */
export type Level = 'row' | 'statement';
export const levels: readonly Level[] = ['row', 'statement'];

const oldRows = 'OLD TABLE AS old_rows';
const newRows = 'NEW TABLE AS new_rows';

/** Creates the triggers that 4-enqueue.sql shows, with `args` for uncached.enqueue(). */
export async function attach(client: Client, level: Level, table: string, args: string[]): Promise<void> {
  const action = `EXECUTE FUNCTION uncached.enqueue(${args.map((arg) => escapeLiteral(arg)).join(', ')})`;
  if (level === 'row') {
    await client.query(
      `CREATE TRIGGER enqueue AFTER INSERT OR UPDATE OR DELETE ON ${table} FOR EACH ROW ${action}`,
    );
    return;
  }
  for (const [event, tables] of [
    ['INSERT', newRows],
    ['UPDATE', `${oldRows} ${newRows}`],
    ['DELETE', oldRows],
  ]) {
    await client.query(
      `CREATE TRIGGER enqueue_${event} AFTER ${event} ON ${table} REFERENCING ${tables} FOR EACH STATEMENT ${action}`,
    );
  }
}
