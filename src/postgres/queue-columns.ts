import type { Pool } from './pool.ts';

export interface QueueColumn {
  readonly name: string;
  /** Without its length; for a domain, its base type. */
  readonly type: string;
  /** pg_type.typcategory of that type. */
  readonly category: string;
  /** An insert that does not name the column leaves it NULL. */
  readonly staysNull: boolean;
}

/** The columns of each of these tables, by oid, in one query. */
export async function queueColumns(
  pool: Pool,
  oids: readonly string[],
): Promise<Map<string, readonly QueueColumn[]>> {
  const { rows } = await pool.query<{ oid: string; columns: QueueColumn[] }>(
    `WITH RECURSIVE made_of AS (
       SELECT oid AS type, oid AS base, typdefault IS NOT NULL AS has_default FROM pg_type
       WHERE oid IN (SELECT atttypid FROM pg_attribute WHERE attrelid = ANY ($1::oid[]) AND attnum > 0)
       UNION ALL
       SELECT made_of.type, t.typbasetype, has_default FROM made_of JOIN pg_type t ON t.oid = made_of.base WHERE t.typtype = 'd'
     )
     SELECT attrelid::text AS oid,
            json_agg(json_build_object(
              'name', attname, 'type', format_type(base.oid, NULL), 'category', base.typcategory,
              'staysNull', NOT attnotnull AND NOT atthasdef AND attidentity = '' AND NOT has_default) ORDER BY attnum) AS columns
     FROM pg_attribute
          JOIN made_of ON made_of.type = atttypid
          JOIN pg_type AS base ON base.oid = made_of.base AND base.typtype <> 'd'
     WHERE attrelid = ANY ($1::oid[]) AND attnum > 0 AND NOT attisdropped
     GROUP BY attrelid`,
    [oids],
  );
  return new Map(rows.map(({ oid, columns }) => [oid, columns]));
}
