-- A queue table holds an entry for each change. An entry says: the pages of this key are stale.
--
--   CREATE TABLE cache_clearing_articles (
--     id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
--     section    text,
--     slug       text,
--     date_added timestamptz NOT NULL DEFAULT clock_timestamp(),
--     xid        xid8        NOT NULL DEFAULT pg_current_xact_id(),
--     UNIQUE (xid, section, slug)
--   ) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
--
--   id          the order of claiming.
--   date_added  the age of an entry: lag is measured from it. The clock, not now(): a transaction may have begun long
--               before it changed anything.
--   xid         the transaction that enqueued. UNIQUE (xid, key) folds the duplicates of one transaction and never lets
--               one transaction rely on, or wait for, the entry of another: the daemon may be claiming that one at this
--               moment, before the change is committed.
--   section,    the key. Its columns may be NULL: a NULL key names no page, and the daemon reports it as invalid, but it
--   slug        must not fail the change itself. The cache has no veto on the data.
--
-- No foreign keys: deleting an article would delete its pending entries with it, and leave its pages in the cache for
-- ever. For the same reason the key is what the paths of the pages are made of, not the id of the article: it stays true
-- when the article is gone.
--
-- Entries come and go by the thousand, and a claim walks over the dead ones until they are vacuumed: with these settings
-- autovacuum counts them alone, however many entries the last mass enqueue had.
--
-- The functions below are what uncached.enqueue() of 5-enqueue.sql calls: it asks once a transaction whether it can do its
-- work with a queue table, and how.

-- Raises unless enqueue() can write to the queue table with these key columns, and says what to do.
-- A queue table that only other producers write to need not pass.
CREATE OR REPLACE FUNCTION uncached.assert_queue_table(queue regclass, key_columns name[]) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan  -- planning takes ten times as long as running: each transaction asks again
SET enable_seqscan = off                  -- the plan may be made for more columns than there are
SET quote_all_identifiers = off  -- xid's default is compared as text
AS $function$
DECLARE
  folded_by   name[]  := array_prepend('xid', key_columns);
  positions   int2[]  := ARRAY(SELECT attnum FROM pg_attribute WHERE attrelid = queue AND attname = ANY (folded_by));
  unknown     text    := (SELECT string_agg(quote_ident(name), ', ')
                            FROM unnest(key_columns) AS key (name)
                           WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = queue AND attname = name));
  folds       boolean := false;
  candidate   record;
  problems    text[]  := '{}';
  remedies    text[]  := '{}';
  drops       text[]  := '{}';
BEGIN
  IF unknown IS NOT NULL THEN
    RAISE undefined_column USING
      MESSAGE = format('Cannot enqueue into %s: it has no column %s', queue, unknown),
      HINT    = 'Where the names differ, write queue_column=source_column.';
  END IF;

  -- A unique index over xid and all key columns folds the duplicates of one transaction. One over
  -- fewer columns stands in the way of another transaction's entry, or of another key's. One that is not ready yet (CREATE
  -- INDEX CONCURRENTLY) refuses nothing.
  FOR candidate IN
    SELECT i.indexrelid::regclass                                AS index_name,
           c.conname                                             AS constraint_name,
           i.indnkeyatts = cardinality(folded_by)                AS complete,
           i.indimmediate AND i.indpred IS NULL                  AS whole,
           i.indisvalid                                          AS valid,
           uncached.coarse_columns(i.indexrelid)                 AS coarse
      FROM pg_index AS i
      LEFT JOIN pg_constraint AS c ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid
     WHERE i.indrelid = queue
       AND i.indisunique
       AND i.indisready
       AND (i.indkey::int2[])[0 : i.indnkeyatts - 1] <@ positions
     ORDER BY i.indisvalid DESC, i.indexrelid
  LOOP
    -- REINDEX CONCURRENTLY fills a copy of the index, which is not valid before the end, and refuses what the index refuses.
    CONTINUE WHEN folds AND candidate.complete AND candidate.whole AND NOT candidate.valid AND candidate.coarse = '{}';
    IF candidate.complete AND candidate.whole AND candidate.valid THEN
      folds := true;
      IF candidate.coarse <> '{}' THEN
        problems := array_append(problems, format('%s takes keys for equal that are not the same bytes, as file names are',
                                                  candidate.index_name));
        remedies := remedies || ARRAY(SELECT format('ALTER COLUMN %I TYPE text COLLATE "C"', name)
                                        FROM unnest(candidate.coarse) AS name);
      END IF;
    ELSE
      problems := array_append(problems, format(
        CASE WHEN NOT candidate.complete THEN '%s lets only one transaction enqueue a key'
             WHEN candidate.valid        THEN '%s is partial or deferrable, and cannot fold'
             ELSE '%s is not valid, and cannot fold: CREATE INDEX CONCURRENTLY is not done, or has failed' END,
        candidate.index_name));
      IF candidate.constraint_name IS NULL THEN
        drops := array_append(drops, format('DROP INDEX %s;', candidate.index_name));
      ELSE
        remedies := array_append(remedies, format('DROP CONSTRAINT %I', candidate.constraint_name));
      END IF;
    END IF;
  END LOOP;

  IF folds AND NOT EXISTS (SELECT FROM pg_attribute AS a
                             JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                            WHERE a.attrelid = queue AND a.attname = 'xid'
                              AND pg_get_expr(d.adbin, d.adrelid) = 'pg_current_xact_id()') THEN
    problems := array_append(problems, 'its xid does not default to pg_current_xact_id()');
    remedies := array_append(remedies, 'ALTER COLUMN xid SET DEFAULT pg_current_xact_id()');
  END IF;

  IF cardinality(problems) > 0 THEN
    IF cardinality(remedies) > 0 THEN
      drops := array_append(drops, format('ALTER TABLE %s %s;', queue, array_to_string(remedies, ', ')));
    END IF;
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = format('Cannot enqueue into %s: %s', queue, array_to_string(problems, '; ')),
      HINT    = array_to_string(drops, ' ');
  END IF;
END
$function$;

COMMENT ON FUNCTION uncached.assert_queue_table(regclass, name[]) IS
  'Raises unless uncached.enqueue() can write to the queue table with these key columns.';


-- The columns of an index that takes values for equal that do not look the same: 1.0 and 1.00, Port and port.
-- PostgreSQL knows of each operator class whether equal means the same bytes (btree's support function 4, equalimage).
CREATE OR REPLACE FUNCTION uncached.coarse_columns(index_name regclass) RETURNS name[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $function$
BEGIN
  RETURN ARRAY(
    SELECT a.attname
      FROM pg_index AS i
     CROSS JOIN LATERAL unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[]) AS key (position, class, collation_oid)
      JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = key.position
      JOIN pg_opclass AS o ON o.oid = key.class
     WHERE i.indexrelid = index_name
       AND (EXISTS (SELECT FROM pg_collation AS c WHERE c.oid = key.collation_oid AND NOT c.collisdeterministic)
            OR NOT EXISTS (SELECT FROM pg_amproc AS p
                            WHERE p.amprocfamily = o.opcfamily AND p.amprocnum = 4
                              AND p.amproclefttype = o.opcintype AND p.amprocrighttype = o.opcintype)
               AND NOT (a.atttypid = 'numeric'::regtype AND a.atttypmod <> -1)));  -- numeric(10,2): all have two digits
END
$function$;

COMMENT ON FUNCTION uncached.coarse_columns(regclass) IS
  'The columns of an index that takes values for equal whose text is not the same.';


-- How enqueue() writes to a queue table that has passed. 'folding': a unique index folds the duplicates of a transaction;
-- 'indexed': another index bounds the length of keys; 'free': neither.
CREATE OR REPLACE FUNCTION uncached.queue_form(queue regclass, key_columns name[]) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $function$
BEGIN
  RETURN (WITH keys AS (
    SELECT array_agg(attnum) AS positions,
           array_agg(attnum) FILTER (WHERE attname <> 'xid' OR 'xid' = ANY (key_columns)) AS key_positions
      FROM pg_attribute
     WHERE attrelid = queue AND attname = ANY (array_prepend('xid', key_columns))
  )
  SELECT COALESCE(min(CASE WHEN indisunique AND indisvalid AND (indkey::int2[])[0 : indnkeyatts - 1] <@ positions THEN 'folding'
                           WHEN indkey::int2[] && array_append(key_positions, 0::int2)             THEN 'indexed' END), 'free')
    FROM pg_index, keys
   WHERE indrelid = queue);
END
$function$;

COMMENT ON FUNCTION uncached.queue_form(regclass, name[]) IS
  'How uncached.enqueue() writes to a queue table: folding, indexed or free.';


-- Raises if a trigger on the table cannot read these columns.
CREATE OR REPLACE FUNCTION uncached.assert_source(source regclass, columns name[]) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  column_name name;
  generated   "char";
BEGIN
  FOREACH column_name IN ARRAY columns LOOP
    SELECT attgenerated INTO generated FROM pg_attribute WHERE attrelid = source AND attname = column_name;
    IF NOT FOUND THEN
      RAISE undefined_column USING
        MESSAGE = format('Cannot enqueue or notify from %s: it has no column "%s"', source, column_name),
        HINT    = 'Where the names differ, write queue_column=source_column.';
    END IF;
    IF generated = 'v' THEN
      RAISE feature_not_supported USING
        MESSAGE = format('Cannot enqueue or notify from %s: its column %I is generated and VIRTUAL, and a trigger cannot read it',
                         source, column_name),
        HINT    = format('Make it STORED: ALTER TABLE %s DROP COLUMN %I, ADD COLUMN %2$I ... GENERATED ALWAYS AS (...) STORED;',
                         source, column_name);
    END IF;
  END LOOP;
END
$function$;

COMMENT ON FUNCTION uncached.assert_source(regclass, name[]) IS
  'Raises if a trigger on the table cannot read these columns.';


-- What enqueue() does for a key that is too long for an index: an entry that the daemon reports as failing, and a warning
-- in the server's log, since the change itself must not fail. Answers false: the key is not to be inserted as well.
CREATE OR REPLACE FUNCTION uncached.enqueue_long_key(queue oid, column_name name, key text) RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  outcome text := 'It is enqueued as NULL';
BEGIN
  BEGIN
    EXECUTE format('INSERT INTO %s (%I) VALUES (NULL)', queue::regclass, column_name);
  EXCEPTION
    WHEN integrity_constraint_violation THEN outcome := format('It is not enqueued (%s)', SQLERRM);
  END;
  RAISE WARNING USING
    MESSAGE = format('Cannot enqueue a key of %s bytes into %s: an index has no room for it', octet_length(key), queue::regclass),
    DETAIL  = format('%s. It begins with: %s', outcome, left(key, 200)),
    HINT    = 'Clear its pages by hand: uncached clear. Without an index over them, keys may have any length.';
  RETURN false;
END
$function$;

COMMENT ON FUNCTION uncached.enqueue_long_key(oid, name, text) IS
  'Enqueues NULL for a key that is too long for the index of a queue table, warns, and answers false.';
