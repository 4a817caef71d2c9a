import { addedSince, now } from './added-time.ts';
import { elapsedMs } from './elapsed-time.ts';
import type { Json } from './json.ts';
import type { KeyText } from './key-text.ts';
import { appendsAlone, notifyOthers } from './log.ts';
import type { QueueTable } from './queue-table.ts';

/** How one claim takes its entries. */
export interface ClaimForm {
  /** Begins at the start of the table, which also finds entries without an id; otherwise beyond $4. */
  readonly fromStart: boolean;
  /**
   * The answer may be too large: the claim reads as many entries as allowed, and takes fewer if they are
   * long.
   */
  readonly measured: boolean;
}

/** A claim of no more entries than this is not measured: each is a few kilobytes at most (key-text.ts). */
export const unmeasured = 1_000;
const mostBytes = 8_000_000;

/**
 * One statement, one round trip, its own transaction: either the entries leave the queue table and their
 * distinct keys are in the log, or neither happens. Producers never wait for the deletion of files.
 *
 * A claim begins beyond the last id claimed. From the start of the table it would walk the dead entries of
 * earlier claims again until vacuum: 10^6 rows by 100 took 56 s that way, and 19.6 s with the cursor. Without
 * an index that begins with id, the order is that in which entries lie in the table, and the cursor is a
 * place there: sorting 9,000,000 entries for each claim left 8 entries a second.
 *
 * Rows that a producer holds locked are skipped, not waited for. `remains` reports that there were some: if
 * that producer rolls back, no notification comes for them.
 *
 * Without the right to lock (SELECT and DELETE only, as FreshPorts grants) DELETE itself waits for producers
 * and may be chosen as a deadlock's victim: then the caller retries.
 *
 * Several tables of one family may have an entry at the same ctid, and only one of them is the right one.
 */
export function claimStatement(
  table: QueueTable,
  keys: readonly { name: string; text: KeyText }[],
  json: Json,
  form: ClaimForm,
): string {
  const { name, order, byId, zoneless, hasXid, hasMinOfXid } = table;
  const beyond = form.fromStart ? order.start : order.beyond;
  const addedAt = zoneless ? addedSince(form.fromStart ? '$4' : '$5') : table.addedAt;
  const values = keys.map(({ text }, index) => `${text.bounded} AS k${index}`);
  const xid = hasXid ? leastXid(hasMinOfXid) : "'0'::xid8";
  const returning = [
    byId ? 'id' : 'ctid',
    ...values,
    `${addedAt} AS added`,
    ...(hasXid ? ['xid AS least'] : []),
  ].join(', ');
  const groups = keys.length > 0 ? `GROUP BY ${keys.map((_, index) => `k${index}`).join(', ')}` : '';
  const key = keys.map((one, index) => `'${one.name.replaceAll("'", "''")}', k${index}`).join(', ');
  const rows = `(SELECT json_build_object('ids', json_agg(id), 'keys', json_agg(key)) FROM (SELECT * FROM claimed ORDER BY id) AS claimed)`;
  const { before, which, cut } = chosen(table, keys, beyond, form);
  return `
    WITH ${before} taken AS (
      DELETE FROM ${name} WHERE ${which} RETURNING ${returning}
    ), claimed AS (
      INSERT INTO uncached.log (handler, key, enqueued_at, xid)
      SELECT $1::text, jsonb_build_object(${key}), min(added), ${xid} FROM taken ${groups}
      HAVING ${appendsAlone('(SELECT count(*) FROM taken) > 0')}
      RETURNING id, key
    )
    SELECT entries, last, CASE WHEN entries > 0 THEN ${notifyOthers('$3::text')} END AS told, ${now} AS at, ${elapsedMs('added')} AS "lagMs", ${json.send(rows)} AS rows, ${cut} AS cut,
           CASE WHEN entries < $2 AND NOT ${cut}
                THEN (SELECT count(*) FROM (SELECT FROM ${name} ${beyond} LIMIT $2) AS seen) > entries
                ELSE false END AS remains
    FROM (SELECT count(*)::int AS entries, ${order.last}::text AS last, min(added) AS added FROM taken) AS totals`;
}

/** The least transaction that these entries may come from; 0 if one does not say. */
const leastXid = (hasMinOfXid: boolean) =>
  hasMinOfXid ? "min(coalesce(least, '0'))" : 'min(coalesce(least::text::bigint, 0))::text::xid8';

function chosen(
  { name, mayLock, hasChildren }: QueueTable,
  keys: readonly { text: KeyText }[],
  beyond: string,
  { measured }: ClaimForm,
): { before: string; which: string; cut: string } {
  const lengths = keys.flatMap(({ text: { bytes } }) =>
    bytes === undefined ? [] : [`coalesce(${bytes}, 0)`],
  );
  const scan = (columns: string) =>
    `SELECT ${columns} FROM ${name} ${beyond} LIMIT $2 ${mayLock ? 'FOR UPDATE SKIP LOCKED' : ''}`;
  const bounded = measured && lengths.length > 0;
  if (!bounded && !hasChildren)
    return { before: '', which: `ctid = ANY (ARRAY(${scan('ctid')}))`, cut: 'false' };
  const size = bounded ? `(${lengths.join(' + ')})::bigint` : '0';
  return {
    before: `
      seen AS MATERIALIZED (${scan(`tableoid AS family, ctid AS place, ${size} AS size`)}),
      fitting AS MATERIALIZED (
        SELECT family, place FROM seen
        LIMIT CASE WHEN (SELECT sum(size) FROM seen) > ${mostBytes} THEN ${unmeasured} END
      ),`,
    which: `ctid = ANY (ARRAY(SELECT place FROM fitting)) AND (tableoid, ctid) IN (SELECT family, place FROM fitting)`,
    cut: '((SELECT count(*) FROM seen) > (SELECT count(*) FROM fitting))',
  };
}
