import type { Client } from 'pg';

/**
 * Everything in the schemas public and uncached that an installation or its removal could change, as sorted
 * lines. Each line begins with its kind. Access lists are separate lines of the kind `grant`.
 */
export async function catalog(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ line: string }>(`
    WITH ours AS (
      SELECT c.*
        FROM pg_class AS c
       WHERE c.relnamespace::regnamespace::text IN ('public', 'uncached')
    )
    SELECT concat_ws(' | ', 'schema', nspname, obj_description(oid, 'pg_namespace')) AS line
      FROM pg_namespace
     WHERE nspname IN ('public', 'uncached')
    UNION ALL
    SELECT concat_ws(' | ', 'relation', oid::regclass, relkind, relpersistence, reloptions, obj_description(oid, 'pg_class'))
      FROM ours
    UNION ALL
    SELECT concat_ws(' | ', 'column', attrelid::regclass, attnum, attname, format_type(atttypid, atttypmod),
                     attnotnull, attidentity, pg_get_expr(adbin, adrelid), col_description(attrelid, attnum))
      FROM ours
      JOIN pg_attribute ON attrelid = oid AND attnum > 0
      LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    UNION ALL
    SELECT concat_ws(' | ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(pg_constraint.oid))
      FROM ours
      JOIN pg_constraint ON conrelid = ours.oid
    UNION ALL
    SELECT concat_ws(' | ', 'index', pg_get_indexdef(indexrelid))
      FROM ours
      JOIN pg_index ON indrelid = oid
    UNION ALL
    SELECT concat_ws(' | ', 'function', oid::regprocedure, md5(pg_get_functiondef(oid)), obj_description(oid, 'pg_proc'))
      FROM pg_proc
     WHERE pronamespace::regnamespace::text IN ('public', 'uncached')
    UNION ALL
    SELECT concat_ws(' | ', 'grant', nspname, nspacl) FROM pg_namespace WHERE nspname IN ('public', 'uncached')
    UNION ALL
    SELECT concat_ws(' | ', 'grant', oid::regclass, relacl) FROM ours WHERE relacl IS NOT NULL
    UNION ALL
    SELECT concat_ws(' | ', 'grant', attrelid::regclass, attname, attacl)
      FROM ours
      JOIN pg_attribute ON attrelid = oid AND attacl IS NOT NULL
    UNION ALL
    SELECT concat_ws(' | ', 'trigger', pg_get_triggerdef(pg_trigger.oid))
      FROM ours
      JOIN pg_trigger ON tgrelid = ours.oid AND NOT tgisinternal
     ORDER BY line`);
  return rows.map((row) => row.line);
}
