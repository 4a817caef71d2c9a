-- The rights of the daemon on listen_for and on the queue tables, for the role uncached of 1-journal.sql. Afterwards,
-- for the role the daemon connects as:
--
--   GRANT uncached TO listening;
--
-- A queue table of your own needs the same:
--
--   GRANT SELECT, DELETE, UPDATE (id) ON my_queue_table TO uncached;
--
-- Run by the owner of the tables, with the search_path that 2-listen_for.sql and 3-queue-tables.sql
-- had. A queue table that is not there is passed over. Safe to run again; PostgreSQL 14 or newer.

BEGIN;

GRANT SELECT ON listen_for TO uncached;

-- The claim locks entries FOR UPDATE, and PostgreSQL asks for UPDATE on one column for that; the
-- daemon updates none. It is id where there is one, which as an identity cannot be set anyway, and
-- the first column where there is none, as in the cache_clearing_commits of FreshPorts.
DO $$
DECLARE
  queue       regclass;
  lock_column name;
BEGIN
  FOR queue IN
    SELECT to_regclass(name)
      FROM unnest(ARRAY['cache_clearing_ports', 'cache_clearing_dates',
                        'cache_clearing_commits', 'cache_clearing_files']) AS name
     WHERE to_regclass(name) IS NOT NULL
  LOOP
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
     WHERE c.oid IN (to_regclass('listen_for'),
                     to_regclass('cache_clearing_ports'), to_regclass('cache_clearing_dates'),
                     to_regclass('cache_clearing_commits'), to_regclass('cache_clearing_files'))
       AND NOT has_schema_privilege('uncached', n.oid, 'USAGE')
  LOOP
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO uncached', schema_name);
  END LOOP;
END
$$;

COMMIT;
