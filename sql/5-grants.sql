-- The rights of the daemon, as a group role. Afterwards, for the role the daemon connects as:
--
--   GRANT uncached TO listening;
--
-- A queue table of your own needs the same:
--
--   GRANT SELECT, DELETE, UPDATE (id) ON my_queue_table TO uncached;
--
-- Run by the owner of the tables, with the search_path that 2-listen_for.sql and 3-queue-tables.sql
-- had. Safe to run again; PostgreSQL 14 or newer.

BEGIN;

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'uncached') THEN
    CREATE ROLE uncached NOLOGIN;
  END IF;
EXCEPTION
  WHEN insufficient_privilege THEN
    RAISE insufficient_privilege USING
      MESSAGE = format('Cannot create role uncached: role %I may not create roles', current_user),
      HINT    = 'Have a superuser say CREATE ROLE uncached NOLOGIN, then run this file again.';
  WHEN duplicate_object OR unique_violation THEN
    NULL;  -- roles belong to the server: another database's installation was faster
END
$$;

GRANT USAGE ON SCHEMA uncached TO uncached;
GRANT SELECT, INSERT, UPDATE, DELETE ON uncached.journal TO uncached;
GRANT SELECT ON listen_for TO uncached;

-- The claim locks entries FOR UPDATE, and PostgreSQL asks for UPDATE on one column for that; the
-- daemon updates none. It is id where there is one, which as an identity cannot be set anyway, and
-- the first column where there is none, as in the cache_clearing_commits of FreshPorts.
DO $$
DECLARE
  queue       regclass;
  lock_column name;
BEGIN
  FOREACH queue IN ARRAY ARRAY['cache_clearing_ports', 'cache_clearing_dates',
                               'cache_clearing_commits', 'cache_clearing_files']::regclass[] LOOP
    SELECT attname
      INTO lock_column
      FROM pg_attribute
     WHERE attrelid = queue AND attnum > 0 AND NOT attisdropped
     ORDER BY attname = 'id' DESC, attnum
     LIMIT 1;
    EXECUTE format('GRANT SELECT, DELETE, UPDATE (%I) ON %s TO uncached', lock_column, queue);
  END LOOP;
END
$$;

-- PUBLIC may use most schemas. Where that has been revoked, the daemon still must.
DO $$
DECLARE
  schema_name name;
BEGIN
  FOR schema_name IN
    SELECT DISTINCT n.nspname
      FROM pg_class AS c
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.oid = ANY (ARRAY['listen_for', 'cache_clearing_ports', 'cache_clearing_dates',
                              'cache_clearing_commits', 'cache_clearing_files']::regclass[])
       AND NOT has_schema_privilege('uncached', n.oid, 'USAGE')
  LOOP
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO uncached', schema_name);
  END LOOP;
END
$$;

COMMIT;
