import type { Client } from 'pg';

/**
 * What a user who may create in schema public can put in the way of callers that name a function without its
 * schema.
 */

/**
 * Copies of PostgreSQL's own functions, as many as can be imitated. With `search_path = public, pg_catalog`
 * each of them comes first.
 */
export async function imitateEverything(client: Client): Promise<void> {
  await client.query(`
    SET search_path = pg_catalog;
    DO $do$
    DECLARE
      own record;
    BEGIN
      FOR own IN
        SELECT DISTINCT proname, array_to_string(proargtypes::regtype[], ', ') AS arguments FROM pg_proc
         WHERE pronamespace = 'pg_catalog'::regnamespace AND provariadic = 0
      LOOP
        BEGIN
          EXECUTE format('CREATE FUNCTION public.%I(%s) RETURNS text LANGUAGE plpgsql AS %L',
                         own.proname, own.arguments, format('BEGIN RAISE EXCEPTION %L; END', own.proname || ' is hijacked'));
        EXCEPTION WHEN OTHERS THEN NULL; -- internal types
        END;
      END LOOP;
      FOR own IN
        SELECT oprname, oprleft::regtype AS "left", oprright::regtype AS "right", oprresult::regtype AS result,
               row_number() OVER () AS number
          FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprkind = 'b'
      LOOP
        BEGIN
          EXECUTE format('CREATE FUNCTION public.operator_%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS %L',
                         own.number, own."left", own."right", own.result,
                         format('BEGIN RAISE EXCEPTION %L; END', own.oprname || ' is hijacked'));
          EXECUTE format('CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = public.operator_%s)',
                         own.oprname, own."left", own."right", own.number);
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
      END LOOP;
      FOR own IN SELECT typname FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype = 'b' AND typelem = 0
      LOOP
        EXECUTE format('CREATE DOMAIN public.%I AS integer CHECK (VALUE IS NULL)', own.typname);
      END LOOP;
    END $do$;
    RESET search_path`);
}

/**
 * Each matches some arguments of ours better than PostgreSQL's variadic or polymorphic function does. With
 * the default search_path that is enough.
 */
export async function fitBetter(client: Client): Promise<void> {
  const signatures = [
    ...['text, text', 'text, text, text, text'].flatMap((types) => [
      `jsonb_build_object(${types})`,
      `json_build_object(${types})`,
    ]),
    'json_build_object(text, json, text, json)',
    'json_build_object(text, name, text, text)',
    'json_agg(bigint)',
    'json_agg(jsonb)',
    'json_agg(json)',
    'format(text, name, name)',
    'unnest(text[])',
    'unnest(bigint[])',
    'unnest(name[])',
  ];
  // A user's own type may have an implicit cast from any other type.
  await client.query(`
    CREATE TYPE public.evil AS (x int);
    CREATE FUNCTION public.to_evil(text) RETURNS public.evil LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'hijacked'; END$$;
    CREATE CAST (text AS public.evil) WITH FUNCTION public.to_evil(text) AS IMPLICIT;
    CREATE FUNCTION public.unnest(public.evil) RETURNS text LANGUAGE sql AS $$SELECT 'hijacked'$$;
    CREATE FUNCTION public.pg_notify(public.evil, public.evil) RETURNS text LANGUAGE sql AS $$SELECT 'hijacked'$$`);
  for (const signature of signatures) {
    await client.query(
      `CREATE FUNCTION public.${signature} RETURNS json LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''hijacked''; END'`,
    );
  }
}
