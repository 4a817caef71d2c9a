import { type Client, escapeLiteral } from 'pg';

/** The message of a trap. Nothing else contains it. */
export const trapped = /trapped by/;

/**
 * Fills `schema` with traps for `sql`: functions, operators and types with the names that it uses, for all
 * argument types of PostgreSQL's own, and for types that match better than PostgreSQL's polymorphic
 * functions. Any name of `sql` that is looked up there raises `trapped`. Runs as `owner`, who needs only
 * CREATE on the schema.
 */
export async function setTraps(client: Client, schema: string, owner: string, sql: string): Promise<void> {
  const words = [...new Set(sql.match(/[a-z_][a-z0-9_]*/g) ?? [])];
  const operators = [...new Set(sql.replaceAll(/--.*/g, '').match(/[=<>~|@&+*#-]+/g) ?? [])];
  await client.query(`
    SET ROLE ${owner};
    SET search_path = pg_catalog;
    DO $traps$
    DECLARE
      words     name[] := ${escapeLiteral(`{${words.join(',')}}`)};
      operators text[] := ARRAY[${operators.map((operator) => escapeLiteral(operator)).join(',')}]::text[];
      made      record;
    BEGIN
      -- Nobody but a superuser may make a cast between two types that are not his: a type of the same name has to come first.
      FOR made IN
        SELECT trap FROM (${functionTraps} UNION ALL ${operatorTraps} UNION ALL ${typeTraps}) AS traps (rank, trap)
         ORDER BY rank
      LOOP
        BEGIN
          EXECUTE replace(made.trap, 'HOSTILE', ${escapeLiteral(schema)});
        EXCEPTION WHEN OTHERS THEN  -- of a pseudo-type that no function of ours may have, or there already
          NULL;
        END;
      END LOOP;
    END
    $traps$;
    RESET search_path;
    RESET ROLE`);
}

const body = (what: string) =>
  `'LANGUAGE plpgsql IMMUTABLE AS ' || quote_literal('BEGIN RAISE EXCEPTION ''trapped by ' || ${what} || '''; END')`;

const types = `unnest(ARRAY['text', 'name', 'regclass', 'oid', 'int2', 'int4', 'int8', 'bool', '"char"', 'text[]', 'name[]',
                            'int2[]', 'oid[]', 'regclass[]', 'xid8', 'regprocedure'])`;

const functionTraps = `
  SELECT 1, format('CREATE FUNCTION HOSTILE.%I(%s) RETURNS %s %s', proname, arguments,
                   CASE WHEN proretset THEN 'SETOF ' ELSE '' END || CASE WHEN prorettype::regtype::text ~ '^any|record' THEN 'text'
                                                                 ELSE prorettype::regtype::text END,
                   ${body('proname')})
    FROM (SELECT proname, proretset, prorettype, pg_get_function_identity_arguments(oid) AS arguments FROM pg_proc
           WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind <> 'p'
           UNION ALL
          SELECT proname, proretset, prorettype,
                 regexp_replace(regexp_replace(pg_get_function_identity_arguments(pg_proc.oid), 'any[a-z]*array', type || '[]', 'g'),
                                '"?any"?[a-z]*', type, 'g') FROM pg_proc, ${types} AS type
           WHERE pronamespace = 'pg_catalog'::regnamespace AND pg_get_function_identity_arguments(pg_proc.oid) ~ 'any'
             AND type !~ ']'
           UNION ALL
          SELECT name, false, 'text'::regtype, concat_ws(', ', 'text', a, b, c)
            FROM unnest(ARRAY['format', 'concat', 'concat_ws']) AS name,
                 unnest(ARRAY[NULL, 'text', 'name', 'regclass', 'oid', 'int8']) AS first (a),
                 unnest(ARRAY[NULL, 'text', 'name', 'regclass', 'oid', 'int8']) AS second (b),
                 unnest(ARRAY[NULL, 'text', 'name', 'regclass']) AS third (c)) AS functions
   WHERE proname = ANY (words)`;

const operatorTraps = `
  SELECT 2, format('CREATE FUNCTION HOSTILE.trap_%s(%s, %s) RETURNS boolean %s', oid, a, b, ${body(`'an operator of ' || a || ', ' || b`)})
            || format('; CREATE OPERATOR HOSTILE.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = HOSTILE.trap_%4$s)', operator, a, b, oid)
    FROM (SELECT operator, a, b, row_number() OVER () AS oid
            FROM unnest(operators) AS operator, ${types} AS a, ${types} AS b) AS pairs`;

// This comes last: from then on the type names above would mean these types.
const typeTraps = `
  SELECT 3, 'CREATE FUNCTION HOSTILE.trap() RETURNS boolean ' || ${body(`'a type'`)}
   UNION ALL
  SELECT 4, format('CREATE DOMAIN HOSTILE.%I AS pg_catalog.%1$I CHECK (HOSTILE.trap())', typname) FROM pg_type
   WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype = 'b' AND typname = ANY (words)`;
