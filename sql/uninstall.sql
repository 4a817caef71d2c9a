-- Removes uncached from this database: its triggers, its schema, its rights, and its role if no other
-- database needs that. Stop the daemon first.
--
-- Loses nothing: it refuses while some cache has not settled what was claimed, and leaves listen_for and the queue tables,
-- which may be older than uncached and may hold entries. To drop these too:
--
--   DROP TABLE listen_for;
--   DROP TABLE cache_clearing_articles;
--
-- and each other queue table of yours. Those of "uncached schema --freshports" are cache_clearing_ports,
-- cache_clearing_dates, cache_clearing_commits and cache_clearing_files.
--
-- Run by the owner of the schema uncached. Safe to run again; PostgreSQL 14 or newer.

BEGIN;
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;  -- see 0-begin.sql

-- From here to COMMIT only PostgreSQL's own objects are found by name: see 0-begin.sql.
SET LOCAL search_path = pg_catalog, pg_temp;

DO $$
DECLARE
  unsettled bigint := 0;
  more      bigint;
  owner     name := (SELECT r.rolname
                       FROM pg_namespace AS n
                       JOIN pg_roles AS r ON r.oid = n.nspowner
                      WHERE n.nspname = 'uncached' AND r.rolname <> current_user AND NOT r.rolsuper);
BEGIN
  IF owner IS NOT NULL THEN  -- whose view could be called uncached.log
    RAISE insufficient_privilege USING
      MESSAGE = format('Cannot uninstall uncached: the schema belongs to role %I, which is neither %I nor a superuser',
                       owner, current_user),
      HINT    = format('Run this as that role: SET ROLE %I.', owner);
  END IF;
  -- From here to the end no daemon can claim.
  IF to_regclass('uncached.log') IS NOT NULL THEN
    LOCK TABLE uncached.log IN ACCESS EXCLUSIVE MODE;
    SELECT count(*) INTO unsettled
      FROM uncached.log
     WHERE id > (SELECT coalesce(min(settled_to) FILTER (WHERE state <> 'expired'), max(settled_to), 0)
                   FROM uncached.consumer);
    SELECT count(*) INTO more
      FROM uncached.failing
     WHERE NOT invalid
       AND consumer IN (SELECT id FROM uncached.consumer WHERE state <> 'expired')
       AND id <= (SELECT min(settled_to) FROM uncached.consumer WHERE state <> 'expired');
    unsettled := unsettled + more;
  END IF;
  -- Of version 0.1.
  IF to_regclass('uncached.journal') IS NOT NULL THEN
    LOCK TABLE uncached.journal IN ACCESS EXCLUSIVE MODE;
    SELECT count(*) INTO more FROM uncached.journal;
    unsettled := unsettled + more;
  END IF;
  IF unsettled > 0 THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = format('Cannot uninstall uncached: keys that are not settled: %s', unsettled),
      HINT    = 'Run uncached drain, stop the daemons, and run this file again. What fails for ever is given up '
                'with uncached failing drop, and a cache that is gone with uncached consumers forget.';
  END IF;
END
$$;

-- By name, and no CASCADE: objects that others have put into the schema are not ours to drop.
DO $$
DECLARE
  enqueuing record;
BEGIN
  FOR enqueuing IN
    SELECT tgname AS trigger_name, tgrelid::regclass AS table_name, pg_get_triggerdef(oid) AS definition
      FROM pg_trigger
     WHERE tgfoid IN (to_regprocedure('uncached.enqueue()'), to_regprocedure('uncached.notify()'),
                      to_regprocedure('uncached.tell_listen_for()'))
       AND tgparentid = 0  -- those of partitions go with their parent's
     ORDER BY tgrelid::regclass::text, tgname
  LOOP
    RAISE NOTICE 'Dropping trigger % on %, which was: %',
      quote_ident(enqueuing.trigger_name), enqueuing.table_name, enqueuing.definition;
    EXECUTE format('DROP TRIGGER %I ON %s', enqueuing.trigger_name, enqueuing.table_name);
  END LOOP;
END
$$;

-- Not everything was installed, and nobody needs to read what was not.
SET LOCAL client_min_messages = warning;
DROP PROCEDURE IF EXISTS uncached.wait_cleared(xid8, interval, text, text[], interval, boolean);
DROP FUNCTION IF EXISTS uncached.is_cleared(xid8, text, text[], interval);
DROP FUNCTION IF EXISTS uncached.horizon(text, text[], interval);
DROP FUNCTION IF EXISTS uncached.holding(text, text[], interval);
DROP FUNCTION IF EXISTS uncached.pending(text, text[], interval);
DROP FUNCTION IF EXISTS uncached.open_writers();
DROP TABLE IF EXISTS uncached.barrier;
DROP FUNCTION IF EXISTS uncached.enqueue();
DROP FUNCTION IF EXISTS uncached.notify();
DROP FUNCTION IF EXISTS uncached.enqueue_key(regclass, text, jsonb);
DROP FUNCTION IF EXISTS uncached.notify_keys(name, text[]);
DROP FUNCTION IF EXISTS uncached.notified_setting(name);
DROP FUNCTION IF EXISTS uncached.key_payload(text, text[], text[]);
DROP FUNCTION IF EXISTS uncached.key_form(regclass, name[], regclass, name[]);
DROP FUNCTION IF EXISTS uncached.tell_listen_for();
DROP FUNCTION IF EXISTS uncached.assert_source(regclass, name[]);
DROP FUNCTION IF EXISTS uncached.assert_queue_table(regclass, name[]);
DROP FUNCTION IF EXISTS uncached.coarse_columns(regclass);
DROP FUNCTION IF EXISTS uncached.queue_form(regclass, name[]);
DROP FUNCTION IF EXISTS uncached.enqueue_long_key(oid, name, text);
DROP TABLE IF EXISTS uncached.journal;
DROP FUNCTION IF EXISTS uncached.refuse_old_daemon();
DROP TABLE IF EXISTS uncached.log;
DROP TABLE IF EXISTS uncached.log_lock;
DROP TABLE IF EXISTS uncached.consumer;
DROP TABLE IF EXISTS uncached.failing;
DROP TABLE IF EXISTS uncached.root;
DROP TABLE IF EXISTS uncached.daemon;
DROP FUNCTION IF EXISTS uncached.tell_cleared();
DROP SCHEMA IF EXISTS uncached;
SET LOCAL client_min_messages TO DEFAULT;

-- Everything granted to the role in this database, including on queue tables of your own.
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
