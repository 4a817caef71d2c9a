-- The four queue tables of FreshPorts. An entry says: the pages of this key are stale.
--
-- They go into the first schema of your search_path. A table that is there already is left as it
-- is. Take them as patterns for queue tables of your own. Safe to run again; PostgreSQL 14 or newer.
--
--   id          the order of claiming.
--   date_added  the age of an entry: lag is measured from it. The clock, not now(): a transaction
--               may have begun long before it changed anything.
--   xid         the transaction that enqueued. UNIQUE (xid, key) folds the duplicates of one
--               transaction and never lets one transaction rely on, or wait for, the entry of another:
--               the daemon may be claiming that one at this moment, before the change is committed.
--
-- Key columns may be NULL. A NULL key names no page, and the daemon reports it as failing, but it
-- must not fail the change itself: the cache has no veto on the data.
--
-- No foreign keys: deleting a port would delete its pending entries with it, and leave its pages
-- in the cache for ever. For the same reason there is no port_id: the key is what the paths of
-- the pages are made of, and stays true when the port is gone.
--
-- Entries come and go by the thousand, and a claim walks over the dead ones until they are
-- vacuumed: autovacuum counts them alone, however many entries the last mass enqueue had.

BEGIN;

CREATE TABLE IF NOT EXISTS cache_clearing_ports (
  id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  category   text,
  port       text,
  date_added timestamptz NOT NULL DEFAULT clock_timestamp(),
  xid        xid8        NOT NULL DEFAULT pg_current_xact_id(),
  UNIQUE (xid, category, port)
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

CREATE TABLE IF NOT EXISTS cache_clearing_dates (
  id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  date_to_clear date,
  date_added    timestamptz NOT NULL DEFAULT clock_timestamp(),
  xid           xid8        NOT NULL DEFAULT pg_current_xact_id(),
  UNIQUE (xid, date_to_clear)
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

CREATE TABLE IF NOT EXISTS cache_clearing_commits (
  id              bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  commit_to_clear text,  -- a Git hash, or the Message-ID of the Subversion years
  date_added      timestamptz NOT NULL DEFAULT clock_timestamp(),
  xid             xid8        NOT NULL DEFAULT pg_current_xact_id(),
  UNIQUE (xid, commit_to_clear)
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

CREATE TABLE IF NOT EXISTS cache_clearing_files (
  id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  pathname   text,  -- such as /ports/head/MOVED
  date_added timestamptz NOT NULL DEFAULT clock_timestamp(),
  xid        xid8        NOT NULL DEFAULT pg_current_xact_id(),
  UNIQUE (xid, pathname)
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

COMMIT;
