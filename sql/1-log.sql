-- The log: what the daemon has claimed from the queue tables, for every cache to follow. And the group role that may
-- use it.
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
  'The log of the uncached daemons and those who follow it, and the trigger function that enqueues for it.';

-- A logged table, although it is short: an entry leaves its queue table in the same transaction that appends it here,
-- and from then on the log is all that is left of it.
--
-- Rows are appended and, when everybody has settled them, deleted; none is updated. Autovacuum counts dead rows alone:
-- the default adds a fifth of the live ones, and after a mass enqueue (565,576 entries in one night have been seen) it
-- would wait for 113,000 more.
CREATE TABLE IF NOT EXISTS uncached.log (
  id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  handler     text        NOT NULL,
  key         jsonb       NOT NULL,
  enqueued_at timestamptz,
  claimed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  xid         xid8        NOT NULL DEFAULT '0'
) WITH (
  autovacuum_vacuum_threshold    = 1000,
  autovacuum_vacuum_scale_factor = 0
);

COMMENT ON TABLE uncached.log IS
  'Keys that the uncached daemons have claimed, in the order of commits. Each consumer follows by its cursor. Deleting a row '
  'by hand gives up its clearing: pages may stay stale.';
COMMENT ON COLUMN uncached.log.id IS
  'Grows in the order of commits: appends happen one after the other, so a reader beyond an id misses nothing.';
COMMENT ON COLUMN uncached.log.handler IS
  'The handler that clears the key: listen_for.script_name.';
COMMENT ON COLUMN uncached.log.key IS
  'The key columns of the queue table and their values, such as {"category": "www", "port": "nginx"}.';
COMMENT ON COLUMN uncached.log.enqueued_at IS
  'When the oldest of the entries folded into this row was enqueued. NULL where the queue table does not say.';
COMMENT ON COLUMN uncached.log.claimed_at IS
  'When the entries were moved here from the queue table.';
COMMENT ON COLUMN uncached.log.xid IS
  'The least transaction that these entries may come from; 0 where the queue table does not say.';

-- Whoever appends to the log locks the one row here, until its commit. An advisory lock would do, but any role that may
-- connect could hold that one, and nothing would be cleared meanwhile. Locking makes no new version of the row: a
-- transaction that stays open for days makes appending no slower.
CREATE TABLE IF NOT EXISTS uncached.log_lock (
  single boolean PRIMARY KEY DEFAULT true CHECK (single)
);
INSERT INTO uncached.log_lock DEFAULT VALUES ON CONFLICT DO NOTHING;

COMMENT ON TABLE uncached.log_lock IS
  'One row, locked by who appends to uncached.log.';

-- Who follows the log: one row for each cache.
CREATE TABLE IF NOT EXISTS uncached.consumer (
  id         text        PRIMARY KEY,
  kind       text        NOT NULL,
  name       text        NOT NULL,
  node       text,
  place      text,
  handlers   text[],
  state      text        NOT NULL CHECK (state IN ('wiping', 'live', 'expired')),
  settled_to bigint      NOT NULL,
  cleared_to bigint      NOT NULL,
  owner      text,
  seen_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  problem    text,
  version    text
) WITH (fillfactor = 50);

COMMENT ON TABLE uncached.consumer IS
  'The caches that follow uncached.log. While one is away the log is kept for it, until it expires.';
COMMENT ON COLUMN uncached.consumer.id IS
  'Of page files, what the marker .uncached in their root says; another cache of the same node has its name behind that.';
COMMENT ON COLUMN uncached.consumer.kind IS
  'The kind of cache, such as files.';
COMMENT ON COLUMN uncached.consumer.name IS
  'Its name among those of its kind.';
COMMENT ON COLUMN uncached.consumer.node IS
  'The name of the machine that clears it.';
COMMENT ON COLUMN uncached.consumer.place IS
  'Where it is: the root of page files.';
COMMENT ON COLUMN uncached.consumer.handlers IS
  'The handlers that it clears for. Rows of others are nothing to it, and its cursors pass over them. NULL: not known.';
COMMENT ON COLUMN uncached.consumer.state IS
  'wiping: its content is unknown, and all that can be cleared in it is being cleared. live: it follows the log. expired: it '
  'was away for so long that the log is no longer kept for it, and it is wiped when it returns.';
COMMENT ON COLUMN uncached.consumer.settled_to IS
  'Every row of the log up to this id is settled here: cleared for a second time, or kept in uncached.failing.';
COMMENT ON COLUMN uncached.consumer.cleared_to IS
  'Every row up to this id was cleared at least once, or is in uncached.failing; written at most once a second.';
COMMENT ON COLUMN uncached.consumer.owner IS
  'The daemon that clears it: "uncached OWNER" is the application_name of its sessions.';
COMMENT ON COLUMN uncached.consumer.seen_at IS
  'When its daemon reported last.';
COMMENT ON COLUMN uncached.consumer.problem IS
  'Why nothing is cleared there, if so.';
COMMENT ON COLUMN uncached.consumer.version IS
  'The version of its daemon.';

-- Rows of the log that could not be cleared somewhere. They are copies, so that the cursor goes on.
CREATE TABLE IF NOT EXISTS uncached.failing (
  consumer    text        NOT NULL,
  id          bigint      NOT NULL,
  handler     text        NOT NULL,
  key         jsonb       NOT NULL,
  xid         xid8        NOT NULL DEFAULT '0',
  enqueued_at timestamptz,
  claimed_at  timestamptz NOT NULL,
  attempts    integer     NOT NULL DEFAULT 1,
  last_error  text        NOT NULL,
  invalid     boolean     NOT NULL DEFAULT false,
  retry_at    timestamptz,
  cohort      bigint,
  PRIMARY KEY (consumer, id)
) WITH (
  fillfactor                     = 45,
  autovacuum_vacuum_threshold    = 1000,
  autovacuum_vacuum_scale_factor = 0
);

-- Finds the row that is due next.
CREATE INDEX IF NOT EXISTS failing_retry_at_idx
  ON uncached.failing (consumer, retry_at)
  WHERE retry_at IS NOT NULL;

-- Finds those that settle together.
CREATE INDEX IF NOT EXISTS failing_cohort_idx
  ON uncached.failing (consumer, cohort, id)
  WHERE cohort IS NOT NULL;

COMMENT ON TABLE uncached.failing IS
  'Keys that a cache could not clear, and those with which nothing can be cached. Deleting a row by hand gives up its '
  'clearing: pages may stay stale.';
COMMENT ON COLUMN uncached.failing.consumer IS
  'The cache: uncached.consumer.id.';
COMMENT ON COLUMN uncached.failing.id IS
  'The row of uncached.log that this is a copy of.';
COMMENT ON COLUMN uncached.failing.attempts IS
  'How many clearings have failed.';
COMMENT ON COLUMN uncached.failing.last_error IS
  'Why the last clearing failed.';
COMMENT ON COLUMN uncached.failing.invalid IS
  'Cleared as far as its key allows: a template makes no path of it, and it is not tried again by itself.';
COMMENT ON COLUMN uncached.failing.retry_at IS
  'When it is tried again.';
COMMENT ON COLUMN uncached.failing.cohort IS
  'A retry has succeeded, and the row settles with others of this number, which its daemon gives.';

-- Which cache stood where when a daemon saw it last: an empty directory where a file system is not mounted is not
-- taken for the cache.
CREATE TABLE IF NOT EXISTS uncached.root (
  machine     text        NOT NULL,
  path        text        NOT NULL,
  id          text        NOT NULL,
  identity    text        NOT NULL,
  mount_point text        NOT NULL,
  places      jsonb       NOT NULL,
  queues      text[]      NOT NULL,
  seen_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (machine, path)
);

COMMENT ON TABLE uncached.root IS
  'The roots of page files that uncached daemons of this database clear. A row may be deleted while no daemon runs there.';
COMMENT ON COLUMN uncached.root.machine IS
  'The machine, by the name that it keeps across boots (/etc/machine-id, /etc/hostid).';
COMMENT ON COLUMN uncached.root.path IS
  'The root, as the configuration names it.';
COMMENT ON COLUMN uncached.root.id IS
  'What the marker .uncached in it says: uncached.consumer.id.';
COMMENT ON COLUMN uncached.root.identity IS
  'Device and inode of the root.';
COMMENT ON COLUMN uncached.root.mount_point IS
  'Where the file system of the root was mounted.';
COMMENT ON COLUMN uncached.root.places IS
  'The ids of the markers, by path below root: of root, whose path is empty, and of each directory that was a mount of its own. An id is empty where the mount could not be seen.';
COMMENT ON COLUMN uncached.root.queues IS
  'The queue tables of the daemon.';
COMMENT ON COLUMN uncached.root.seen_at IS
  'When a daemon registered it last.';

-- An installation of version 0.1 has a journal instead of the log. Its rows are appended to the log, and its roots
-- become consumers that have settled nothing of it. A daemon of that version may still run: all it claims from now on
-- is refused with a message, so nothing is lost, and it must be replaced.
DO $$
BEGIN
  IF to_regclass('uncached.journal') IS NULL OR EXISTS (
    SELECT FROM pg_trigger WHERE tgrelid = to_regclass('uncached.journal') AND tgname = 'replaced') THEN
    RETURN;
  END IF;
  LOCK TABLE uncached.journal IN ACCESS EXCLUSIVE MODE;
  PERFORM FROM uncached.log_lock FOR UPDATE;
  INSERT INTO uncached.log (handler, key, enqueued_at, claimed_at)
  SELECT handler, key, enqueued_at, claimed_at FROM uncached.journal ORDER BY id;
  DELETE FROM uncached.journal;
  IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('uncached.root') AND attname = 'wiping' AND NOT attisdropped) THEN
    INSERT INTO uncached.consumer (id, kind, name, place, state, settled_to, cleared_to, seen_at)
    SELECT DISTINCT ON (id) id, 'files', 'files', path, CASE WHEN wiping THEN 'wiping' ELSE 'live' END, 0, 0, clock_timestamp()
      FROM uncached.root
     WHERE seen_at > '-infinity'
     ORDER BY id, seen_at DESC
    ON CONFLICT DO NOTHING;
    ALTER TABLE uncached.root DROP COLUMN owners, DROP COLUMN wiping;
  END IF;
  CREATE OR REPLACE FUNCTION uncached.refuse_old_daemon() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
  BEGIN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = 'this database was prepared for a newer version of uncached: upgrade this daemon';
  END
  $function$;
  CREATE TRIGGER replaced BEFORE INSERT ON uncached.journal
    FOR EACH STATEMENT EXECUTE FUNCTION uncached.refuse_old_daemon();
  COMMENT ON FUNCTION uncached.refuse_old_daemon() IS
    'Refuses what a daemon of version 0.1 claims.';
  COMMENT ON TABLE uncached.journal IS
    'Of version 0.1, and empty: uncached.log is in its place. It only refuses what a daemon of that version claims.';
END
$$;

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
GRANT SELECT, INSERT, DELETE ON uncached.log TO uncached;
GRANT SELECT ON SEQUENCE uncached.log_id_seq TO uncached;
GRANT SELECT, UPDATE ON uncached.log_lock TO uncached;
GRANT SELECT, INSERT, UPDATE, DELETE ON uncached.consumer TO uncached;
GRANT SELECT, INSERT, UPDATE, DELETE ON uncached.failing TO uncached;
GRANT SELECT, INSERT, UPDATE, DELETE ON uncached.root TO uncached;
GRANT SELECT, INSERT, UPDATE, DELETE ON uncached.daemon TO uncached;
