import { type Column, type KeyText, keyText } from './key-text.ts';
import type { Pool } from './pool.ts';

/** How a table's entries are read. */
export interface QueueShape {
  /** SQL for the text of each column. */
  readonly texts: ReadonlyMap<string, KeyText>;
  /** It has partitions or tables that inherit from it: a ctid is unique only within one of them. */
  readonly hasChildren: boolean;
  /**
   * Entries are read in the order of `id`, along an index that begins with it; otherwise in the order in
   * which they lie.
   */
  readonly byId: boolean;
  readonly order: EntryOrder;
  /** Partitions that are elsewhere. */
  readonly foreign: string | null;
}

/** The end of a SELECT after the table's name: for the first entries, and for those beyond $4. */
interface EntryOrder {
  readonly start: string;
  readonly beyond: string;
  /** SQL for the place, among those taken, beyond which the next claim begins. */
  readonly last: string;
}

const byId: EntryOrder = {
  start: 'ORDER BY id',
  // The cast: without it $4 would have the type of id, and the least bigint is out of range for a serial
  // (FreshPorts' tables have those).
  beyond: 'WHERE id > $4::bigint ORDER BY id',
  last: 'max(id)',
};

/**
 * A scan of a range of places can begin anywhere. As a range it may cover the whole table, and an index scan
 * is not preferred to it.
 */
const byPlace: EntryOrder = {
  start: `WHERE ctid > '(0,0)'::tid`,
  beyond: 'WHERE ctid > $4::tid',
  last: 'max(ctid)',
};

/** A place in one of several tables means nothing in the next: each claim begins at the start. */
const byPlaceInEach: EntryOrder = { start: byPlace.start, beyond: byPlace.start, last: 'NULL' };

export async function shapeOf(pool: Pool, oid: string): Promise<QueueShape> {
  const { rows } = await pool.query<{
    columns: Column[];
    hasChildren: boolean;
    indexed: boolean;
    foreign: string | null;
  }>(
    `WITH RECURSIVE family AS (
       SELECT oid, relkind FROM pg_class WHERE oid = $1::oid
       UNION ALL
       SELECT c.oid, c.relkind FROM family f JOIN pg_inherits i ON i.inhparent = f.oid JOIN pg_class c ON c.oid = i.inhrelid
     ), types AS (
       SELECT a.attname, a.attnum, a.atttypid AS oid FROM pg_attribute a
       WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
       UNION ALL
       SELECT b.attname, b.attnum, t.typbasetype FROM types b JOIN pg_type t ON t.oid = b.oid WHERE t.typtype = 'd'
     )
     SELECT (SELECT json_agg(json_build_object(
                      'name', attname, 'type', format_type(t.oid, NULL), 'builtin', t.typnamespace = 'pg_catalog'::regnamespace,
                      'short', t.typtype = 'e' OR t.typnamespace = 'pg_catalog'::regnamespace AND (t.typlen > 0 OR t.typcategory = 'I')))
             FROM types JOIN pg_type t USING (oid) WHERE t.typtype <> 'd') AS columns,
            (SELECT count(*) > 1 OR bool_or(relkind = 'p') FROM family) AS "hasChildren",
            (SELECT coalesce(bool_and(EXISTS (
                      SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
                      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                      WHERE i.indrelid = f.oid AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree' AND i.indoption[0] IN (0, 3) AND a.attname = 'id'
                        AND a.atttypid = ANY ('{int2,int4,int8}'::regtype[]))), false)
             FROM family f WHERE f.relkind = 'r') AS indexed,
            (SELECT string_agg(oid::regclass::text, ', ') FROM family WHERE relkind = 'f') AS "foreign"`,
    [oid],
  );
  const [found] = rows;
  if (!found) throw new Error('the statement returned nothing');
  const { columns, hasChildren, indexed, foreign } = found;
  return {
    texts: new Map(columns.map((column) => [column.name, keyText(column)])),
    hasChildren,
    byId: indexed,
    order: indexed ? byId : hasChildren ? byPlaceInEach : byPlace,
    foreign,
  };
}
