import type { Pool } from './pool.ts';
import type { Relation } from './relation.ts';

/** A column of a table whose changes are to be enqueued. */
export interface SourceColumn {
  readonly name: string;
  /** A trigger cannot read it. */
  readonly isVirtual: boolean;
  /** Without its length; for a domain, its base type. */
  readonly type: string;
  /** The type of a column of a queue table that takes its values; pg_type.typcategory of that. */
  readonly queueType: string;
  readonly category: string;
}

export interface SourceTable {
  readonly columns: readonly SourceColumn[];
  /** Partitions and tables that inherit from it, at any depth; qualified and quoted. */
  readonly children: readonly { readonly name: string; readonly isPartition: boolean }[];
  /** Roles that may change its rows, without superusers; null is PUBLIC. */
  readonly roles: readonly (string | null)[];
}

/**
 * A key is bytes, as file names are, so a type is kept only if equal values look the same; and without a length,
 * which the table may widen later. Everything else is text. (queue tables: doc/config.md)
 */
const keepsType = `
  base.typtype = 'b' AND base.typnamespace = 'pg_catalog'::regnamespace
  AND base.typcategory NOT IN ('S', 'A') AND base.typname NOT IN ('bit', 'varbit', 'char')
  AND EXISTS (
    SELECT FROM pg_opclass AS o
    JOIN pg_am AS m ON m.oid = o.opcmethod AND m.amname = 'btree'
    JOIN pg_amproc AS p ON p.amprocfamily = o.opcfamily AND p.amprocnum = 4
                       AND p.amproclefttype = o.opcintype AND p.amprocrighttype = o.opcintype
    WHERE o.opcdefault AND o.opcintype = base.oid)`;

/** Grantees, by oid; 0 is PUBLIC. A role that changes a partition by its own name needs rights on that. */
const grantees = `
  SELECT acl.grantee FROM family JOIN pg_class AS c USING (oid),
         aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS acl
  WHERE acl.privilege_type IN ('INSERT', 'UPDATE', 'DELETE')
  UNION
  SELECT acl.grantee FROM family JOIN pg_attribute AS a ON a.attrelid = family.oid, aclexplode(a.attacl) AS acl
  WHERE acl.privilege_type IN ('INSERT', 'UPDATE')
  UNION
  SELECT r.oid FROM pg_roles AS r
  WHERE r.rolname = 'pg_write_all_data' AND EXISTS (SELECT FROM pg_auth_members WHERE roleid = r.oid)`;

/** Reads the catalogs, which every role may. */
export async function readSourceTable(pool: Pool, { oid }: Relation): Promise<SourceTable> {
  const { rows } = await pool.query<SourceTable>(
    `WITH RECURSIVE family AS (
       SELECT oid, relkind FROM pg_class WHERE oid = $1::oid
       UNION
       SELECT c.oid, c.relkind FROM family JOIN pg_inherits AS i ON i.inhparent = family.oid JOIN pg_class AS c ON c.oid = i.inhrelid
     ), made_of AS (
       SELECT a.attnum, a.atttypid AS type FROM pg_attribute AS a WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
       UNION
       SELECT m.attnum, t.typbasetype FROM made_of AS m JOIN pg_type AS t ON t.oid = m.type WHERE t.typtype = 'd'
     ), columns AS (
       SELECT a.attnum, a.attname, a.attgenerated, base.oid AS type, base.typcategory, ${keepsType} AS keeps
       FROM pg_attribute AS a JOIN made_of AS m USING (attnum) JOIN pg_type AS base ON base.oid = m.type AND base.typtype <> 'd'
       WHERE a.attrelid = $1::oid
     )
     SELECT (SELECT coalesce(json_agg(json_build_object(
                      'name', attname, 'isVirtual', attgenerated = 'v', 'type', format_type(type, NULL),
                      'queueType', CASE WHEN keeps THEN format_type(type, NULL) ELSE 'text' END,
                      'category', CASE WHEN keeps THEN typcategory ELSE 'S' END) ORDER BY attnum), '[]') FROM columns) AS columns,
            (SELECT coalesce(json_agg(json_build_object('name', format('%I.%I', n.nspname, c.relname), 'isPartition', c.relispartition)
                                      ORDER BY n.nspname, c.relname), '[]')
             FROM family JOIN pg_class AS c USING (oid) JOIN pg_namespace AS n ON n.oid = c.relnamespace
             WHERE c.oid <> $1::oid AND c.relkind IN ('r', 'p')) AS children,
            (SELECT coalesce(json_agg(r.rolname ORDER BY r.rolname), '[]')
             FROM (${grantees}) AS found LEFT JOIN pg_roles AS r ON r.oid = found.grantee
             WHERE found.grantee = 0 OR NOT r.rolsuper) AS roles`,
    [oid],
  );
  const [found] = rows;
  if (!found) throw new Error('the statement returned nothing');
  return found;
}
