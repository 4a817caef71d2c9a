import type { Pool } from './pool.ts';
import type { QueueColumn } from './queue-columns.ts';
import type { QueueTable } from './queue-table.ts';

const unknown = (entries = 'its entries') => `the age of ${entries}, and so the lag, is not known`;
const add = 'ADD date_added timestamptz NOT NULL DEFAULT clock_timestamp()';

/** Why the age of a table's entries is unknown, so that there is no lag and no alert; with what to do. */
export async function ageNotices(
  pool: Pool,
  queue: string,
  table: QueueTable,
  columns: readonly QueueColumn[],
): Promise<string[]> {
  const alter = `ALTER TABLE ${table.name}`;
  const column = columns.find(({ name }) => name === 'date_added');
  if (!column) return [`queue table ${queue} has no column date_added: ${unknown()}: ${alter} ${add}`];
  if (!column.type.startsWith('timestamp'))
    return [
      `queue table ${queue}: date_added is of type ${column.type}: ${unknown()}: ${alter} DROP date_added, ${add}`,
    ];
  const ageless = await allWithoutAge(pool, table);
  return [
    ...(column.staysNull
      ? [
          `queue table ${queue}: date_added has no default: ${unknown('an entry that is inserted without it')}: ${alter} ALTER date_added SET DEFAULT clock_timestamp()`,
        ]
      : []),
    ...(ageless
      ? [
          `queue table ${queue} has entries, and no date_added that tells the age of one (it is NULL, or in the future): ${unknown()}: correct the clock, the TimeZone or the statement of the program that writes it`,
        ]
      : []),
  ];
}

/** The number of entries that are read: of a backlog of millions, the first. */
const most = 1000;

async function allWithoutAge(pool: Pool, table: QueueTable): Promise<boolean> {
  // That they may not be read is reported already.
  if (!table.mayUse || !table.maySelect || table.hidden) return false;
  const { rows } = await pool.query<{ ageless: boolean }>(
    `SELECT count(*) > 0 AND count(added) = 0 AS ageless
     FROM (SELECT ${table.addedAt} AS added FROM ${table.name} LIMIT ${most}) AS first`,
  );
  return rows[0]?.ageless ?? false;
}
