-- What "uncached schema --barrier" adds: functions that tell which changes have been cleared everywhere, so that nothing is
-- announced while a page of it is still stale. doc/barrier.md tells how to use them.
--
--   uncached schema --barrier | psql -v ON_ERROR_STOP=1 -d DATABASE
--
-- It reads the configuration, and ends with the handlers and queue tables that it has found there. Run it again when a
-- handler or a queue table is added. It needs what "uncached schema" installs, and is run by the owner of that.
--
-- A change is not cleared while something that may come from it waits:
--   * an entry in a queue table;
--   * a row of the log, at a cache that clears for its handler;
--   * a row that fails at a cache;
--   * everything, where a cache is being wiped or has expired, and where a daemon clears what is not known here.
-- "May come from it" goes by xid, a column of the queue table: the least transaction that the entry may come from. An entry
-- without one may come from any transaction, and so everything waits for it.

DO $$
BEGIN
  IF to_regclass('uncached.log') IS NULL THEN
    RAISE undefined_table USING
      MESSAGE = 'Cannot install the barrier: uncached.log does not exist',
      HINT    = 'First: uncached schema | psql -d DATABASE';
  END IF;
END
$$;

CREATE TABLE IF NOT EXISTS uncached.barrier (
  handler text NOT NULL,
  queue   text NOT NULL,
  PRIMARY KEY (handler, queue)
);

COMMENT ON TABLE uncached.barrier IS
  'The handlers and the queue tables that uncached.horizon() and the others wait for. A row of a handler that is no more may be '
  'deleted.';
COMMENT ON COLUMN uncached.barrier.handler IS
  'listen_for.script_name.';
COMMENT ON COLUMN uncached.barrier.queue IS
  'Its queue table, with its schema. Empty for a handler without one, which nobody waits for: a change leaves no entry for it.';

GRANT SELECT ON uncached.barrier TO uncached;

-- A queue table that was dropped has no entries. It is one that is to be named again if it was renamed.
DELETE FROM uncached.barrier WHERE queue <> '' AND to_regclass(NULLIF(queue, '')) IS NULL;


-- What is not cleared, by where it waits, each with the least transaction that it may come from. Everything is seen in one
-- snapshot, that of the statement which asks: the functions are STABLE.
CREATE OR REPLACE FUNCTION uncached.pending(wanted_level text, wanted text[], failing_for interval)
RETURNS TABLE (kind text, handler text, consumer text, xid xid8, since timestamptz, detail text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET row_security = off  -- a hidden entry is an error, and not a change that has been cleared
AS $function$
#variable_conflict use_column
DECLARE
  most     CONSTANT integer := 100000;  -- rows that are looked at: with more, everything waits
  known    text[] := ARRAY(SELECT DISTINCT b.handler FROM uncached.barrier AS b WHERE b.queue <> '');
  unqueued text[] := ARRAY(SELECT b.handler FROM uncached.barrier AS b WHERE b.handler <> ALL (known));
  stranger text   := (SELECT name FROM unnest(wanted) AS name WHERE name <> ALL (known) OR name IS NULL LIMIT 1);
  place    record;
  queue    regclass;
  shape    record;
BEGIN
  IF pg_is_in_recovery() THEN  -- where a snapshot does not show which transactions are open
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = 'Cannot tell what has been cleared: this server is a standby',
      HINT    = 'Ask the primary.';
  END IF;
  IF wanted_level IS NULL OR wanted_level NOT IN ('settled', 'cleared') THEN
    RAISE invalid_parameter_value USING
      MESSAGE = format('Cannot tell what has been cleared: level %s is neither settled nor cleared', quote_nullable(wanted_level));
  END IF;
  IF stranger IS NOT NULL OR array_position(wanted, NULL) IS NOT NULL THEN
    RAISE invalid_parameter_value USING
      MESSAGE = format('Cannot tell what has been cleared: %s', CASE WHEN stranger = ANY (unqueued)
                       THEN format('handler %s has no queue table, so a change leaves no trace for it', quote_nullable(stranger))
                       ELSE format('handler %s is not known', quote_nullable(stranger)) END),
      HINT    = format('Known are %s. uncached schema --barrier adds what has been configured since.', array_to_string(known, ', '));
  END IF;

  -- What is not known here may hold anything.
  IF known = '{}' THEN
    RETURN QUERY SELECT 'unknown', NULL, NULL, xid8 '0', NULL::timestamptz, 'no queue table is known: run uncached schema --barrier';
  END IF;
  RETURN QUERY
    SELECT 'unknown', cleared.handler, min(c.id), xid8 '0', NULL::timestamptz,
           format('handler %s is cleared, and is not known here: run uncached schema --barrier', cleared.handler)
      FROM uncached.consumer AS c, unnest(c.handlers) AS cleared (handler)
     WHERE c.state <> 'expired' AND cleared.handler <> ALL (known || unqueued) AND wanted IS NULL
     GROUP BY cleared.handler;
  RETURN QUERY
    SELECT DISTINCT 'unknown', NULL, NULL, xid8 '0', NULL::timestamptz,
           format('a daemon claims from %s, which is not known here: run uncached schema --barrier', claimed.queue)
      FROM uncached.root AS r
      JOIN uncached.consumer AS c ON c.id = r.id AND c.state <> 'expired'
     CROSS JOIN unnest(r.queues) AS claimed (queue)
     WHERE to_regclass(claimed.queue) IS NOT NULL
       AND NOT EXISTS (SELECT FROM uncached.barrier AS b WHERE to_regclass(NULLIF(b.queue, '')) = to_regclass(claimed.queue));

  FOR place IN
    SELECT b.handler, b.queue FROM uncached.barrier AS b WHERE b.queue <> '' AND (wanted IS NULL OR b.handler = ANY (wanted))
  LOOP
    queue := to_regclass(place.queue);
    IF queue IS NULL THEN
      RETURN QUERY SELECT 'unknown', place.handler, NULL, xid8 '0', NULL::timestamptz,
                          format('queue table %s does not exist: run uncached schema --barrier', place.queue);
      CONTINUE;
    END IF;
    SELECT coalesce(bool_or(attname = 'xid'), false) AS has_xid, coalesce(bool_or(attname = 'xid' AND attnotnull), false) AS filled,
           coalesce(bool_or(attname = 'date_added'), false) AS has_date
      INTO shape
      FROM pg_attribute
     WHERE attrelid = queue AND attnum > 0 AND NOT attisdropped
       AND (attname, atttypid) IN (('xid', 'xid8'::regtype), ('date_added', 'timestamptz'::regtype));
    RETURN QUERY EXECUTE format(
      'SELECT ''queue'', $1, NULL, coalesce(%1$s, ''0''), %2$s, ''entries in '' || $2 FROM %3$s %4$s LIMIT 1',
      CASE WHEN shape.has_xid THEN 'xid' ELSE 'NULL::xid8' END,
      CASE WHEN shape.has_date THEN 'date_added' ELSE 'NULL::timestamptz' END,
      queue,
      CASE WHEN shape.filled THEN 'ORDER BY xid' WHEN shape.has_xid THEN 'ORDER BY xid NULLS FIRST' END)
      USING place.handler, place.queue;
  END LOOP;

  -- What is cached there may be from any time.
  RETURN QUERY
    SELECT 'consumer', NULL, c.id, xid8 '0', CASE WHEN c.state = 'expired' THEN c.seen_at END,
           CASE WHEN c.state = 'expired' THEN 'it has expired, and is wiped when it returns'
                                         ELSE 'it is being wiped' END
      FROM uncached.consumer AS c
     WHERE c.state <> 'live' AND (c.handlers IS NULL OR c.handlers && coalesce(wanted, known));

  RETURN QUERY
    WITH live AS MATERIALIZED (
      SELECT c.id, c.handlers, CASE wanted_level WHEN 'settled' THEN c.settled_to ELSE c.cleared_to END AS done_to
        FROM uncached.consumer AS c
       WHERE c.state = 'live'
    ), part AS MATERIALIZED (
      SELECT l.id, l.handler, l.xid, coalesce(l.enqueued_at, l.claimed_at) AS since
        FROM uncached.log AS l
       WHERE l.id > coalesce((SELECT min(done_to) FROM live), 0)
         AND CASE WHEN wanted IS NULL THEN l.handler <> ALL (unqueued) ELSE l.handler = ANY (wanted) END
       ORDER BY l.id
       LIMIT most + 1
    ), slowest AS MATERIALIZED (  -- of those that clear for a handler; if none does, of all
      SELECT h.handler, c.id AS consumer, coalesce(c.done_to, (SELECT min(done_to) FROM live), 0) AS done_to
        FROM (SELECT DISTINCT handler FROM part) AS h
        LEFT JOIN LATERAL (
          SELECT live.id, live.done_to
            FROM live
           WHERE live.handlers IS NULL OR h.handler = ANY (live.handlers)
           ORDER BY live.done_to
           LIMIT 1) AS c ON true
    )
    SELECT 'log', p.handler, s.consumer, min(p.xid::text::bigint)::text::xid8, min(p.since),
           format('%s rows of the log that are not %s', count(*), wanted_level)
      FROM part AS p
      JOIN slowest AS s USING (handler)
     WHERE p.id > s.done_to
     GROUP BY p.handler, s.consumer
    UNION ALL
    SELECT 'log', NULL, NULL, xid8 '0', min(since), format('more than %s rows of the log', most)
      FROM part
    HAVING count(*) > most;

  -- An invalid row has settled: no page can have its key.
  RETURN QUERY
    WITH part AS MATERIALIZED (
      SELECT f.consumer, f.handler, f.xid, f.claimed_at, f.last_error
        FROM uncached.failing AS f
       WHERE NOT f.invalid
         AND CASE WHEN wanted IS NULL THEN f.handler <> ALL (unqueued) ELSE f.handler = ANY (wanted) END
         AND (wanted_level = 'settled' OR f.cohort IS NULL)
         AND (failing_for IS NULL OR f.claimed_at > clock_timestamp() - failing_for)
       LIMIT most + 1
    )
    SELECT 'failing', p.handler, p.consumer, min(p.xid::text::bigint)::text::xid8, min(p.claimed_at),
           format('%s failing rows: %s', count(*), left(min(p.last_error), 200))
      FROM part AS p
     GROUP BY p.handler, p.consumer
    UNION ALL
    SELECT 'failing', NULL, NULL, xid8 '0', min(claimed_at), format('more than %s failing rows', most)
      FROM part
    HAVING count(*) > most;
END
$function$;

COMMENT ON FUNCTION uncached.pending(text, text[], interval) IS
  'What is not cleared, by where it waits. For the functions of the barrier.';
REVOKE ALL ON FUNCTION uncached.pending(text, text[], interval) FROM PUBLIC;


-- The open transactions that could still change something in this database, as the statement's snapshot has them. Those of
-- other databases are in it, too. That one is another's is known by a lock that it holds on a table there, or not at all; one
-- that has ended since then counts as ours.
CREATE OR REPLACE FUNCTION uncached.open_writers() RETURNS TABLE (xid xid8)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
  SELECT x
    FROM pg_snapshot_xip(pg_current_snapshot()) AS x
   WHERE NOT EXISTS (
     SELECT
       FROM pg_locks AS own
       JOIN pg_locks AS held USING (virtualtransaction)
      WHERE own.locktype = 'transactionid' AND own.granted AND own.transactionid = x::xid
        AND held.locktype = 'relation'
        AND held.database NOT IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())))
$function$;

COMMENT ON FUNCTION uncached.open_writers() IS
  'The open transactions of this database that have an id. For the functions of the barrier.';
REVOKE ALL ON FUNCTION uncached.open_writers() FROM PUBLIC;


-- Every transaction before this one has ended, and what it changed has been cleared everywhere. In a statement that reads
-- changes, it is of the same snapshot as these: so nothing is announced too early, and nothing is left out.
CREATE OR REPLACE FUNCTION uncached.horizon(
  level text DEFAULT 'settled', handlers text[] DEFAULT NULL, failing_for interval DEFAULT NULL) RETURNS xid8
LANGUAGE plpgsql STABLE SECURITY DEFINER  -- whose plans are kept, and those of LANGUAGE sql are not
SET search_path = pg_catalog, pg_temp
SET row_security = off
AS $function$
BEGIN
  RETURN least(
    (SELECT p.xid FROM uncached.pending($1, $2, $3) AS p ORDER BY p.xid LIMIT 1),
    (SELECT w.xid FROM uncached.open_writers() AS w ORDER BY w.xid LIMIT 1),
    pg_snapshot_xmax(pg_current_snapshot()));
END
$function$;

COMMENT ON FUNCTION uncached.horizon(text, text[], interval) IS
  'Changes of transactions before this one have been cleared in every cache: SELECT ... WHERE xid < (SELECT uncached.horizon()).';


CREATE OR REPLACE FUNCTION uncached.is_cleared(
  xid xid8, level text DEFAULT 'settled', handlers text[] DEFAULT NULL, failing_for interval DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET row_security = off
AS $function$
BEGIN
  IF $1 IS NULL OR NOT pg_visible_in_snapshot($1, pg_current_snapshot()) THEN
    RETURN false;
  END IF;
  RETURN NOT EXISTS (SELECT FROM uncached.pending($2, $3, $4) AS waiting WHERE waiting.xid <= $1);
END
$function$;

COMMENT ON FUNCTION uncached.is_cleared(xid8, text, text[], interval) IS
  'Whether a transaction has ended and what it changed has been cleared in every cache. For a list of them use horizon(): this '
  'function looks at all that waits, for each row.';


-- A procedure, because it must not be a transaction that waits: each settling waits for the transactions that are open. It
-- commits after each look, which PostgreSQL refuses to SECURITY DEFINER and to SET; so all names are qualified.
CREATE OR REPLACE PROCEDURE uncached.wait_cleared(
  xid xid8, timeout interval DEFAULT NULL, level text DEFAULT 'settled', handlers text[] DEFAULT NULL,
  failing_for interval DEFAULT NULL, INOUT cleared boolean DEFAULT NULL)
LANGUAGE plpgsql
AS $procedure$
DECLARE
  until pg_catalog.timestamptz := pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) timeout;
  pause pg_catalog.float8 := 0.005;
BEGIN
  IF wait_cleared.xid IS NULL THEN
    RAISE null_value_not_allowed USING MESSAGE = 'Cannot wait: the transaction is NULL';
  END IF;
  IF wait_cleared.xid OPERATOR(pg_catalog.=) pg_catalog.pg_current_xact_id_if_assigned() THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = pg_catalog.format('Cannot wait for transaction %s: it is this one', wait_cleared.xid),
      HINT    = 'COMMIT first.';
  END IF;
  PERFORM pg_catalog.pg_xact_status(wait_cleared.xid);  -- an error if there has been no such transaction
  LOOP
    cleared := uncached.is_cleared(wait_cleared.xid, wait_cleared.level, wait_cleared.handlers, wait_cleared.failing_for);
    COMMIT;
    EXIT WHEN cleared OR pg_catalog.clock_timestamp() OPERATOR(pg_catalog.>=) until;
    PERFORM pg_catalog.pg_sleep(pause);
    COMMIT;
    pause := LEAST(pause OPERATOR(pg_catalog.*) 1.5::pg_catalog.float8, 0.1::pg_catalog.float8);
  END LOOP;
END
$procedure$;

COMMENT ON PROCEDURE uncached.wait_cleared(xid8, interval, text, text[], interval, boolean) IS
  'Returns when a transaction is cleared, with true, or after the time-out, with false. Not inside a transaction.';


-- What holds announcements, for people: it has the names of caches and the errors of rows.
CREATE OR REPLACE FUNCTION uncached.holding(
  level text DEFAULT 'settled', handlers text[] DEFAULT NULL, failing_for interval DEFAULT NULL)
RETURNS TABLE (kind text, handler text, consumer text, xid xid8, since timestamptz, detail text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET row_security = off
AS $function$
  SELECT * FROM uncached.pending($1, $2, $3)
  UNION ALL
  SELECT 'transaction', NULL, NULL, w.xid, coalesce(s.xact_start, p.prepared),
         CASE WHEN p.gid IS NOT NULL THEN format('prepared transaction %s', quote_literal(p.gid))
              WHEN s.pid IS NOT NULL THEN concat_ws(', ', format('process %s', s.pid), s.usename, NULLIF(s.application_name, ''))
              ELSE 'it has just ended' END
    FROM uncached.open_writers() AS w
    LEFT JOIN pg_locks AS l ON l.locktype = 'transactionid' AND l.granted AND l.transactionid = w.xid::xid
    LEFT JOIN pg_stat_activity AS s ON s.pid = l.pid
    LEFT JOIN pg_prepared_xacts AS p ON p.transaction = w.xid::xid
$function$;

COMMENT ON FUNCTION uncached.holding(text, text[], interval) IS
  'What holds uncached.horizon(): the least transaction of each, and since when it waits.';
REVOKE ALL ON FUNCTION uncached.holding(text, text[], interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION uncached.holding(text, text[], interval) TO uncached;


-- Those who wait ask again when a cursor has moved.
CREATE OR REPLACE FUNCTION uncached.tell_cleared() RETURNS trigger
LANGUAGE plpgsql
AS $function$
BEGIN
  PERFORM pg_catalog.pg_notify('uncached_cleared', '');
  RETURN NULL;
END
$function$;

COMMENT ON FUNCTION uncached.tell_cleared() IS
  'Notifies uncached_cleared: something may have been cleared or settled.';

CREATE OR REPLACE TRIGGER uncached_cleared
  AFTER UPDATE OF settled_to, cleared_to, state ON uncached.consumer
  FOR EACH ROW
  WHEN (OLD.settled_to <> NEW.settled_to OR OLD.cleared_to <> NEW.cleared_to OR OLD.state <> NEW.state)
  EXECUTE FUNCTION uncached.tell_cleared();
CREATE OR REPLACE TRIGGER uncached_cleared_gone
  AFTER DELETE ON uncached.consumer
  FOR EACH STATEMENT
  EXECUTE FUNCTION uncached.tell_cleared();
CREATE OR REPLACE TRIGGER uncached_cleared
  AFTER DELETE OR UPDATE OF invalid, cohort ON uncached.failing
  FOR EACH STATEMENT
  EXECUTE FUNCTION uncached.tell_cleared();

