import { DatabaseError } from 'pg';
import { enqueueFunction, relationName } from './enqueue-function.ts';
import type { Pool } from './pool.ts';

/**
 * The triggers whose uncached.enqueue() would refuse the next change of their table, and why: so that the
 * operator learns it from `check` and not from the application. It skips a queue table that is named without
 * its schema, which is found through the search_path of the role that changes the table.
 */
export async function refusingTriggers(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ oid: string; table: string; trigger: string; shape: string | null }>(
    `SELECT oid::text, ${relationName('tgrelid')} AS "table", quote_ident(tgname) AS trigger, ${refusedShape} AS shape
     FROM pg_trigger WHERE tgfoid = ${enqueueFunction} AND tgparentid = 0 AND tgtype & 28 <> 0 ORDER BY 2, 3`,
  );
  const problems = await Promise.all(
    rows.map(async ({ oid, table, trigger, shape }) => {
      const refusal = shape ?? (await refusalOf(pool, oid));
      return refusal === undefined ? [] : [`trigger ${trigger} on ${table} refuses each change: ${refusal}`];
    }),
  );
  return problems.flat();
}

/**
 * What is wrong with the trigger itself. tgtype: 1 is FOR EACH ROW, 2 BEFORE, 4 INSERT, 8 DELETE, 16 UPDATE,
 * 64 INSTEAD OF; 32 is TRUNCATE, which is refused anyway.
 */
const refusedShape = `
  CASE WHEN tgtype & 66 <> 0 THEN 'it is not AFTER: make it AFTER'
       WHEN tgnargs < 3 THEN 'it has too few arguments: they are the queue table, the channel and at least one key column'
       WHEN tgtype & 1 = 0 AND (tgtype & 20 <> 0 AND tgnewtable IS NULL OR tgtype & 24 <> 0 AND tgoldtable IS NULL)
         THEN 'it does not name its transition tables: make it FOR EACH ROW, or add REFERENCING'
           || CASE WHEN tgtype & 24 <> 0 THEN ' OLD TABLE AS old_rows' ELSE '' END || CASE WHEN tgtype & 20 <> 0 THEN ' NEW TABLE AS new_rows' ELSE '' END END`;

/** Of another version than this, or not ours to call: then nothing is known. */
const unknown = ['42883', '42501'];

async function refusalOf(pool: Pool, trigger: string): Promise<string | undefined> {
  try {
    await pool.query(
      `WITH given AS (
         SELECT tgrelid, string_to_array(encode(tgargs, 'escape'), '\\000') AS arguments FROM pg_trigger WHERE oid = $1
       ), key AS (
         SELECT array_agg((parse_ident(parts[1]))[1]::name ORDER BY place) AS queue_columns,
                array_agg((parse_ident(COALESCE(parts[2], parts[1])))[1]::name ORDER BY place) AS source_columns
         FROM given, unnest(arguments[3 : array_length(arguments, 1) - 1]) WITH ORDINALITY AS escaped (argument, place),
              convert_from(decode(argument, 'escape'), getdatabaseencoding()) AS text,
              regexp_match(text, '^ *([^"=]+|"(?:[^"]|"")+") *(?:=(.+))?$') AS parts
       )
       SELECT uncached.assert_source(tgrelid, source_columns), uncached.assert_queue_table(queue, queue_columns)
       FROM given, key, to_regclass(convert_from(decode(arguments[1], 'escape'), getdatabaseencoding())) AS queue
       WHERE queue IS NOT NULL`,
      [trigger],
    );
    return undefined;
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    if (unknown.includes(error.code ?? '')) return undefined;
    return error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
  }
}
