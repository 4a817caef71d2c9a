-- The journal: what the daemon has claimed from the queue tables and not yet settled. And the group role
-- that may use it.
--
-- If listen_for and the queue tables exist already, the daemon needs nothing else. This creates the schema uncached
-- and touches nothing else. The role that the daemon connects as must already have SELECT on listen_for and SELECT,
-- DELETE on each queue table.
--
--   uncached schema --journal-only | psql -v ON_ERROR_STOP=1 -d DATABASE
--   psql -d DATABASE -c 'GRANT uncached TO ROLE_OF_THE_DAEMON'
--
-- Two things are better with more:
--   * The whole schema adds a trigger to listen_for, so that the daemon notices a change in it at once and does
--     not wait for the next sweep.
--   * GRANT UPDATE (id) ON a queue table lets the daemon skip entries that producers hold locked. Without it the
--     daemon waits for them, and so do the entries behind them.

CREATE SCHEMA IF NOT EXISTS uncached;

COMMENT ON SCHEMA uncached IS
  'The journal of the uncached daemon, and the trigger function that enqueues for it.';

-- A logged table, although it is nearly always empty: an entry leaves its queue table in the same
-- transaction that writes the journal row, and from then on the row is all that is left of it.
--
-- A row lives for some ten seconds: inserted, updated once (cleared_at), deleted. So
--   * over half of each page stays free, for the second version of each row next to the first: a HOT
--     update, which touches no index. The table is small; the space does not matter.
--   * autovacuum counts dead rows alone. The default adds a fifth of the live ones, and after a
--     mass enqueue (565,576 entries in one night have been seen) it would wait for 113,000 more.
--
-- No index on handler or cleared_at: the daemon settles by id, and reads the whole table only when it
-- starts. One on cleared_at would prevent the HOT updates.
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
  'NULL: claimed, not cleared yet. Set: cleared once and settling; the second clearing deletes the row, or keeps it with '
  'last_error if its key is invalid.';
COMMENT ON COLUMN uncached.journal.attempts IS
  'How many clearings have failed.';
COMMENT ON COLUMN uncached.journal.last_error IS
  'Why the last clearing failed. Set: failing; with cleared_at, the key is invalid: no page can have it, and it is not tried '
  'again by itself. NULL: nothing is wrong.';
COMMENT ON COLUMN uncached.journal.owner IS
  'The daemon that works on the row: "uncached OWNER" is the application_name of its sessions. When these are gone '
  'or silent for long, another daemon takes the row over.';
COMMENT ON COLUMN uncached.journal.retry_at IS
  'When a failing row is tried again.';

-- Which cache stood where when a daemon saw it last: an empty directory where a file system is not mounted is not
-- taken for the cache, and two daemons with different roots do not share the entries of one queue table.
CREATE TABLE IF NOT EXISTS uncached.root (
  machine     text        NOT NULL,
  path        text        NOT NULL,
  id          text        NOT NULL,
  identity    text        NOT NULL,
  mount_point text        NOT NULL,
  places      jsonb       NOT NULL,
  queues      text[]      NOT NULL,
  owners      jsonb       NOT NULL,
  wiping      boolean     NOT NULL,
  seen_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (machine, path)
);

COMMENT ON TABLE uncached.root IS
  'The caches that uncached daemons of this database clear. A row may be deleted while no daemon runs there.';
COMMENT ON COLUMN uncached.root.machine IS
  'The machine, by the name that it keeps across boots (/etc/machine-id, /etc/hostid).';
COMMENT ON COLUMN uncached.root.path IS
  'The root, as the configuration names it.';
COMMENT ON COLUMN uncached.root.id IS
  'What the marker .uncached in it says.';
COMMENT ON COLUMN uncached.root.identity IS
  'Device and inode of the root.';
COMMENT ON COLUMN uncached.root.mount_point IS
  'Where the file system of the root was mounted.';
COMMENT ON COLUMN uncached.root.places IS
  'The ids of the markers, by path below root: of root, whose path is empty, and of each directory that was a mount of its own.';
COMMENT ON COLUMN uncached.root.queues IS
  'The queue tables from which it is cleared.';
COMMENT ON COLUMN uncached.root.owners IS
  'The daemons that work on it, and since when: "uncached OWNER" is the application_name of their sessions.';
COMMENT ON COLUMN uncached.root.wiping IS
  'All of it is being cleared, as what is in it was unknown; begun again by the next start if that does not end.';
COMMENT ON COLUMN uncached.root.seen_at IS
  'When a daemon took entries for it last.';

-- What each daemon knows of itself and nobody else could see, for "uncached status": it may be run by another user,
-- on another machine.
CREATE TABLE IF NOT EXISTS uncached.daemon (
  owner      text        PRIMARY KEY,
  host       text        NOT NULL,
  pid        integer     NOT NULL,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  seen_at    timestamptz NOT NULL,
  silent_at  timestamptz NOT NULL,
  problems   json        NOT NULL
) WITH (fillfactor = 50);

COMMENT ON TABLE uncached.daemon IS
  'How the uncached daemons of this database are. The row of one that ended without a word stays until another starts.';
COMMENT ON COLUMN uncached.daemon.owner IS
  'The daemon: "uncached OWNER" is the application_name of its sessions.';
COMMENT ON COLUMN uncached.daemon.host IS
  'The name of its machine.';
COMMENT ON COLUMN uncached.daemon.pid IS
  'Its process there.';
COMMENT ON COLUMN uncached.daemon.started_at IS
  'Since when it works with this configuration.';
COMMENT ON COLUMN uncached.daemon.seen_at IS
  'When it last reported.';
COMMENT ON COLUMN uncached.daemon.silent_at IS
  'When it is taken for one that hangs, unless it reports before.';
COMMENT ON COLUMN uncached.daemon.problems IS
  'What is wrong: level, kind, handler if it is one handler''s, and text.';

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
GRANT SELECT, INSERT, UPDATE, DELETE ON uncached.root TO uncached;
GRANT SELECT, INSERT, UPDATE, DELETE ON uncached.daemon TO uncached;
