-- The journal: what the daemon has claimed from the queue tables and not yet settled. And the group role
-- that may use it.
--
-- This file alone is all that the daemon needs beside a listen_for and queue tables that are there already,
-- such as those of FreshPorts: it makes the schema uncached and touches nothing else. The role that the
-- daemon connects as must already have SELECT on listen_for and SELECT, DELETE on each queue table.
--
--   uncached schema --journal-only | psql -v ON_ERROR_STOP=1 -d freshports.org
--   psql -d freshports.org -c 'GRANT uncached TO listening'
--
-- Two things are better with more of sql/, each of its own accord:
--   * 2-listen_for.sql adds a trigger to listen_for, so that a change in it is heard at once and not seen with
--     the next sweep.
--   * GRANT UPDATE (id) ON the queue tables, as 5-grants.sql does, lets the daemon skip entries that
--     producers hold locked; without it the daemon waits for them, and what is queued behind them waits too.
--
-- Run by the role that shall own it, which may create schemas in this database and roles. Safe to run again;
-- PostgreSQL 14 or newer.

BEGIN;

CREATE SCHEMA IF NOT EXISTS uncached;

COMMENT ON SCHEMA uncached IS
  'The journal of the uncached daemon, and the trigger function that enqueues for it.';

-- A logged table, although it is nearly always empty: an entry leaves its queue table in the same
-- transaction that writes the journal row, and from then on the row is all that is left of it.
--
-- A row lives for some ten seconds: inserted, updated once (cleared_at), deleted. So
--   * over half of each page stays free, for the second version of each row beside the first: a HOT
--     update, which touches no index. The table is small; the space does not matter.
--   * autovacuum counts dead rows alone. The default adds a fifth of the live ones, and after a
--     mass enqueue (565,576 entries in one night have been seen) it would wait for 113,000 more.
--
-- No index on handler or cleared_at: the daemon settles by id, and reads the whole table only when it
-- starts. One on cleared_at would put an end to the HOT updates.
CREATE TABLE IF NOT EXISTS uncached.journal (
  id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  handler     text        NOT NULL,
  key         jsonb       NOT NULL,
  enqueued_at timestamptz,
  claimed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  cleared_at  timestamptz,
  attempts    integer     NOT NULL DEFAULT 0,
  last_error  text,
  retry_at    timestamptz,
  owner       text
) WITH (
  fillfactor                     = 45,
  autovacuum_vacuum_threshold    = 1000,
  autovacuum_vacuum_scale_factor = 0
);

-- Finds the failing row that is due next. Rows that do not fail are not in it, and the update of
-- cleared_at does not touch it.
CREATE INDEX IF NOT EXISTS journal_retry_at_idx
  ON uncached.journal (retry_at)
  WHERE last_error IS NOT NULL;

COMMENT ON TABLE uncached.journal IS
  'Keys that the uncached daemon has claimed and not yet settled. Empty when nothing has changed lately. '
  'Deleting a row by hand gives up its clearing: pages may stay stale.';
COMMENT ON COLUMN uncached.journal.id IS
  'Never used twice, so that a row is settled by the daemon that read it.';
COMMENT ON COLUMN uncached.journal.handler IS
  'The handler that clears the key: listen_for.script_name.';
COMMENT ON COLUMN uncached.journal.key IS
  'The key columns of the queue table and their values, such as {"category": "www", "port": "nginx"}.';
COMMENT ON COLUMN uncached.journal.enqueued_at IS
  'When the oldest of the entries folded into this row was enqueued. NULL where the queue table does not say.';
COMMENT ON COLUMN uncached.journal.claimed_at IS
  'When the entries were moved here from the queue table.';
COMMENT ON COLUMN uncached.journal.cleared_at IS
  'NULL: claimed, not cleared yet. Set: cleared once and settling; the second clearing deletes the row.';
COMMENT ON COLUMN uncached.journal.attempts IS
  'How many clearings have failed.';
COMMENT ON COLUMN uncached.journal.last_error IS
  'Why the last clearing failed. Set: failing. NULL: nothing is wrong.';
COMMENT ON COLUMN uncached.journal.owner IS
  'The daemon that works on the row: "uncached OWNER" is the application_name of its sessions. When these are gone '
  'or silent for long, another daemon takes the row over.';
COMMENT ON COLUMN uncached.journal.retry_at IS
  'When a failing row is tried again.';

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

COMMIT;
