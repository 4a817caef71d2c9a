import type { Pool } from './pool.ts';

/**
 * Tables that the daemon deletes from, and that are published without a replica identity: PostgreSQL refuses
 * each DELETE, whatever wal_level is and whether or not anybody subscribes. `oids` may have partitions, and
 * an ancestor may be what is published.
 */
export async function publicationProblems(pool: Pool, oids: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ table: string; publications: string; remedy: string }>(
    `WITH RECURSIVE family AS (
       SELECT oid FROM unnest($1::oid[]) AS oid
       UNION
       SELECT inhrelid FROM family JOIN pg_inherits ON inhparent = family.oid
     ), published AS (
       SELECT family.oid, string_agg(DISTINCT quote_ident(listed.pubname), ', ') AS publications
       FROM family CROSS JOIN LATERAL (SELECT family.oid AS relation UNION SELECT relid FROM pg_partition_ancestors(family.oid) AS relid) AS line
            JOIN pg_class AS c ON c.oid = line.relation JOIN pg_namespace AS n ON n.oid = c.relnamespace
            JOIN pg_publication_tables AS listed ON listed.schemaname = n.nspname AND listed.tablename = c.relname
            JOIN pg_publication AS publication USING (pubname)
       WHERE publication.pubdelete
       GROUP BY family.oid
     )
     SELECT format('%I.%I', n.nspname, c.relname) AS "table", publications,
            CASE WHEN EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary AND indimmediate) THEN 'REPLICA IDENTITY DEFAULT'
                 WHEN EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary)
                   OR NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'id') THEN 'REPLICA IDENTITY FULL'
                 ELSE 'ADD PRIMARY KEY (id)' END AS remedy
     FROM published JOIN pg_class AS c USING (oid) JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND c.relreplident <> 'f'
       AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisvalid AND indimmediate
                       AND CASE c.relreplident WHEN 'd' THEN indisprimary WHEN 'i' THEN indisreplident ELSE false END)
     ORDER BY 1`,
    [oids],
  );
  return rows.map(
    ({ table, publications, remedy }) =>
      `table ${table} is in the publication ${publications} and has no replica identity, so that PostgreSQL refuses to delete its rows: ` +
      `ALTER TABLE ${table} ${remedy}, or take it out of the publication`,
  );
}
