-- Takes uncached out of this database: its triggers, its schema, its rights, and its role if no other
-- database needs that. Stop the daemon first.
--
-- Loses nothing: it refuses while the journal has rows, and leaves listen_for and the queue tables,
-- which may be older than uncached and may hold entries. To drop these too:
--
--   DROP TABLE cache_clearing_ports;
--   DROP TABLE cache_clearing_dates;
--   DROP TABLE cache_clearing_commits;
--   DROP TABLE cache_clearing_files;
--   DROP TABLE listen_for;
--
-- Run by the owner of the schema uncached. Safe to run again; PostgreSQL 14 or newer.

BEGIN;

DO $$
DECLARE
  unsettled bigint;
BEGIN
  IF to_regclass('uncached.journal') IS NULL THEN
    RETURN;
  END IF;
  -- From here to the end nobody can claim.
  LOCK TABLE uncached.journal IN ACCESS EXCLUSIVE MODE;
  SELECT count(*) INTO unsettled FROM uncached.journal;
  IF unsettled > 0 THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = format('Cannot uninstall uncached: rows of uncached.journal not settled: %s', unsettled),
      HINT    = 'Run uncached drain, stop the daemon, and run this file again. What fails for ever is given up '
                'with DELETE FROM uncached.journal WHERE last_error IS NOT NULL.';
  END IF;
END
$$;

-- By name, and no CASCADE: what somebody has put into the schema is not ours to drop.
DO $$
DECLARE
  enqueuing record;
BEGIN
  FOR enqueuing IN
    SELECT tgname AS trigger_name, tgrelid::regclass AS table_name, pg_get_triggerdef(oid) AS definition
      FROM pg_trigger
     WHERE tgfoid IN (to_regprocedure('uncached.enqueue()'), to_regprocedure('uncached.tell_listen_for()'))
       AND tgparentid = 0  -- those of partitions go with their parent's
     ORDER BY tgrelid::regclass::text, tgname
  LOOP
    RAISE NOTICE 'Dropping trigger % on %, which was: %',
      quote_ident(enqueuing.trigger_name), enqueuing.table_name, enqueuing.definition;
    EXECUTE format('DROP TRIGGER %I ON %s', enqueuing.trigger_name, enqueuing.table_name);
  END LOOP;
END
$$;

DROP FUNCTION IF EXISTS uncached.enqueue();
DROP FUNCTION IF EXISTS uncached.tell_listen_for();
DROP FUNCTION IF EXISTS uncached.assert_queue_table(regclass, name[]);
DROP TABLE IF EXISTS uncached.journal;
DROP SCHEMA IF EXISTS uncached;

-- All that was granted to the role in this database, on queue tables of your own as well.
DO $$
DECLARE
  granted record;
BEGIN
  FOR granted IN
    SELECT DISTINCT
           CASE d.classid WHEN 'pg_class'::regclass THEN 'TABLE' ELSE 'SCHEMA' END AS kind,
           CASE d.classid WHEN 'pg_class'::regclass THEN d.objid::regclass::text
                                                    ELSE d.objid::regnamespace::text END AS name
      FROM pg_shdepend AS d
      JOIN pg_roles AS r ON r.oid = d.refobjid AND d.refclassid = 'pg_authid'::regclass
     WHERE r.rolname = 'uncached'
       AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND d.classid IN ('pg_class'::regclass, 'pg_namespace'::regclass)
       AND d.deptype = 'a'  -- named in an access list
  LOOP
    EXECUTE format('REVOKE ALL ON %s %s FROM uncached', granted.kind, granted.name);
  END LOOP;
END
$$;

-- Roles belong to the server, and another of its databases may still need this one.
DO $$
DECLARE
  dependents text;
BEGIN
  DROP ROLE IF EXISTS uncached;
EXCEPTION
  WHEN dependent_objects_still_exist THEN
    GET STACKED DIAGNOSTICS dependents = PG_EXCEPTION_DETAIL;
    RAISE NOTICE 'Keeping role uncached: %', dependents;
  WHEN insufficient_privilege THEN
    RAISE NOTICE 'Keeping role uncached: role % may not drop it', quote_ident(current_user);
END
$$;

COMMIT;
