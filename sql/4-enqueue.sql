-- uncached.enqueue(): the trigger function that enqueues the keys of changed rows, and notifies.
--
--   EXECUTE FUNCTION uncached.enqueue(QUEUE_TABLE, CHANNEL, KEY_COLUMN [, ...])
--
-- A KEY_COLUMN is 'column', or 'queue_column=source_column' where the names differ. Names are
-- written as in SQL: quoted where they need it. Name the queue table with its schema: then no
-- search_path and no temporary table can lead the entries elsewhere.
--
-- For each row; right where changes come one at a time (30 to 40 microseconds a row):
--
--   CREATE TRIGGER ports_enqueue
--     AFTER INSERT OR UPDATE OR DELETE ON ports
--     FOR EACH ROW
--     EXECUTE FUNCTION uncached.enqueue('public.cache_clearing_ports', 'port_updated', 'category', 'port=name');
--
-- For each statement; right where changes come by the thousand (5 to 7 microseconds a row). PostgreSQL
-- wants one trigger for each event, each naming its transition tables:
--
--   CREATE TRIGGER ports_enqueue_insert
--     AFTER INSERT ON ports
--     REFERENCING NEW TABLE AS new_rows
--     FOR EACH STATEMENT
--     EXECUTE FUNCTION uncached.enqueue('public.cache_clearing_ports', 'port_updated', 'category', 'port=name');
--
--   CREATE TRIGGER ports_enqueue_update
--     AFTER UPDATE ON ports
--     REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
--     FOR EACH STATEMENT
--     EXECUTE FUNCTION uncached.enqueue('public.cache_clearing_ports', 'port_updated', 'category', 'port=name');
--
--   CREATE TRIGGER ports_enqueue_delete
--     AFTER DELETE ON ports
--     REFERENCING OLD TABLE AS old_rows
--     FOR EACH STATEMENT
--     EXECUTE FUNCTION uncached.enqueue('public.cache_clearing_ports', 'port_updated', 'category', 'port=name');
--
-- What it does
--   * An update enqueues the key of the old row and that of the new one: a port that moves to another
--     category makes pages of both stale.
--   * The same key twice in one transaction is one entry. (Not a NULL key: NULLs are never equal.)
--     Another transaction's entry is never relied on and never waited for: see 3-queue-tables.sql.
--   * A statement that touches no rows neither enqueues nor notifies.
--   * The channel is folded as PostgreSQL folds an unquoted name, because the daemon's LISTEN is.
--   * TRUNCATE is refused: it does not tell which rows it removes.
--
-- What it needs
--   * A queue table like those of 3-queue-tables.sql. Otherwise the first change fails, and its hint is
--     the ALTER TABLE that helps. Where that drops a constraint, such as FreshPorts' UNIQUE (category,
--     port), producers that name it in ON CONFLICT (category, port) have to change with it.
--   * Whoever changes the table: GRANT SELECT, INSERT ON the queue table, and nothing else. The
--     SELECT is what PostgreSQL asks for naming columns in ON CONFLICT (xid, ...).
--   * Whoever creates the trigger: nothing but the table.
--
-- It runs with the rights of whoever changes the table (SECURITY INVOKER). With those of its owner
-- it would be a hole: the arguments are chosen by whoever owns the table with the trigger, who could
-- then write into any table of the database.
--
-- Safe to run again; triggers that use it stay as they are. PostgreSQL 14 or newer.

BEGIN;

-- Names are not secrets, and the journal has grants of its own.
GRANT USAGE ON SCHEMA uncached TO PUBLIC;


-- Raises unless enqueue() can write to the queue table with these key columns, and says what to do.
-- A queue table that only other producers write to need not pass.
CREATE OR REPLACE FUNCTION uncached.assert_queue_table(queue regclass, key_columns name[]) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
  folded_by   name[]  := array_prepend('xid', key_columns);
  column_list text    := (SELECT string_agg(quote_ident(name), ', ' ORDER BY position)
                            FROM unnest(folded_by) WITH ORDINALITY AS folded (name, position));
  positions   int2[]  := ARRAY(SELECT attnum FROM pg_attribute WHERE attrelid = queue AND attname = ANY (folded_by));
  unknown     text    := (SELECT string_agg(quote_ident(name), ', ')
                            FROM unnest(key_columns) AS key (name)
                           WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = queue AND attname = name));
  xid_default text;
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

  -- The new column is added first and given its default after that: the entries that are there
  -- already stay NULL. With one xid for all of them, duplicates would refuse the constraint.
  SELECT COALESCE(pg_get_expr(d.adbin, d.adrelid), 'none')
    INTO xid_default
    FROM pg_attribute AS a
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE a.attrelid = queue AND a.attname = 'xid';
  IF xid_default IS NULL THEN
    problems := array_append(problems, 'it has no column xid');
    remedies := array_append(remedies, 'ADD COLUMN xid xid8');
  END IF;
  IF xid_default IS DISTINCT FROM 'pg_current_xact_id()' THEN
    problems := array_append(problems, 'its xid does not default to pg_current_xact_id()');
    remedies := array_append(remedies, 'ALTER COLUMN xid SET DEFAULT pg_current_xact_id()');
  END IF;

  -- A unique index over xid and all key columns folds the duplicates of one transaction. One over
  -- fewer columns stands in the way of another transaction's entry, or of another key's.
  FOR candidate IN
    SELECT i.indexrelid::regclass                                AS index_name,
           c.conname                                             AS constraint_name,
           i.indnkeyatts = cardinality(folded_by)                AS complete,
           i.indimmediate AND i.indisvalid AND i.indpred IS NULL AS usable
      FROM pg_index AS i
      LEFT JOIN pg_constraint AS c ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid
     WHERE i.indrelid = queue
       AND i.indisunique
       AND (i.indkey::int2[])[0 : i.indnkeyatts - 1] <@ positions
     ORDER BY i.indexrelid
  LOOP
    IF candidate.complete THEN
      folds := folds OR candidate.usable;
    ELSE
      problems := array_append(problems, format('%s lets only one transaction enqueue a key', candidate.index_name));
      IF candidate.constraint_name IS NULL THEN
        drops := array_append(drops, format('DROP INDEX %s;', candidate.index_name));
      ELSE
        remedies := array_append(remedies, format('DROP CONSTRAINT %I', candidate.constraint_name));
      END IF;
    END IF;
  END LOOP;
  IF NOT folds THEN
    problems := array_append(problems, format('it has no UNIQUE (%s)', column_list));
    remedies := array_append(remedies, format('ADD UNIQUE (%s)', column_list));
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


-- There is no SET search_path here: it would hide the caller's from QUEUE_TABLE. Instead all that is
-- called is named with its schema, so that nobody's search_path can slip in another function.
CREATE OR REPLACE FUNCTION uncached.enqueue() RETURNS trigger
LANGUAGE plpgsql
AS $function$
DECLARE
  old_table      name;            -- the transition tables of a statement-level trigger,
  new_table      name;            --   by whatever names it has given them
  touched        boolean;
  queue_table    regclass;
  argument       text;
  parts          text[];
  queue_column   text[];
  source_column  text[];
  queue_columns  name[] := '{}';
  source_columns text[] := '{}';  -- in the same order, quoted where they need it
  column_list    text;
  checked        text;
  keys           text;
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    RAISE feature_not_supported USING
      MESSAGE = pg_catalog.format('Cannot enqueue from trigger %I: TRUNCATE does not tell which rows it removes', TG_NAME),
      HINT    = 'Use DELETE, or drop the trigger''s TRUNCATE and clear the pages by hand.';
  END IF;
  IF TG_WHEN <> 'AFTER' THEN  -- another trigger could still alter the change, or drop it
    RAISE trigger_protocol_violated USING
      MESSAGE = pg_catalog.format('Cannot enqueue from trigger %I: it is %s, not AFTER', TG_NAME, TG_WHEN);
  END IF;
  IF TG_NARGS < 3 THEN
    RAISE trigger_protocol_violated USING
      MESSAGE = pg_catalog.format('Cannot enqueue from trigger %I: it has too few arguments', TG_NAME),
      HINT    = 'They are the queue table, the channel and at least one key column: '
                'uncached.enqueue(''public.cache_clearing_ports'', ''port_updated'', ''category'', ''port=name'').';
  END IF;

  IF TG_LEVEL = 'STATEMENT' THEN
    SELECT t.tgoldtable, t.tgnewtable
      INTO old_table, new_table
      FROM pg_catalog.pg_trigger AS t
     WHERE t.tgrelid = TG_RELID AND t.tgname = TG_NAME;

    IF (old_table IS NULL AND TG_OP <> 'INSERT') OR (new_table IS NULL AND TG_OP <> 'DELETE') THEN
      RAISE trigger_protocol_violated USING
        MESSAGE = pg_catalog.format('Cannot enqueue from trigger %I: it does not name its transition tables', TG_NAME),
        HINT    = pg_catalog.format('Make it FOR EACH ROW, or add REFERENCING%s%s.',
                    CASE WHEN TG_OP <> 'INSERT' THEN ' OLD TABLE AS old_rows' END,
                    CASE WHEN TG_OP <> 'DELETE' THEN ' NEW TABLE AS new_rows' END);
    END IF;

    EXECUTE pg_catalog.format('SELECT EXISTS (SELECT FROM %I)', COALESCE(new_table, old_table)) INTO touched;
    IF NOT touched THEN
      RETURN NULL;
    END IF;
  END IF;

  queue_table := pg_catalog.to_regclass(TG_ARGV[0]);
  IF queue_table IS NULL THEN
    RAISE undefined_table USING
      MESSAGE = pg_catalog.format('Cannot enqueue from trigger %I: there is no queue table %s', TG_NAME, TG_ARGV[0]),
      DETAIL  = pg_catalog.format('The search_path is %s.', pg_catalog.current_setting('search_path')),
      HINT    = 'Name the queue table with its schema.';
  END IF;

  FOREACH argument IN ARRAY TG_ARGV[2:] LOOP
    parts         := pg_catalog.regexp_match(argument, '^ *([^"=]+|"(?:[^"]|"")+") *(?:=(.+))?$');
    queue_column  := pg_catalog.parse_ident(parts[1]);
    source_column := pg_catalog.parse_ident(COALESCE(parts[2], parts[1]));
    IF parts IS NULL OR queue_column[2] IS NOT NULL OR source_column[2] IS NOT NULL THEN
      RAISE trigger_protocol_violated USING
        MESSAGE = pg_catalog.format('Cannot enqueue from trigger %I: %s is not a key column', TG_NAME, argument),
        HINT    = 'Write column, or queue_column=source_column.';
    END IF;
    queue_columns  := pg_catalog.array_append(queue_columns, queue_column[1]::name);
    source_columns := pg_catalog.array_append(source_columns, pg_catalog.quote_ident(source_column[1]));
    column_list    := pg_catalog.concat_ws(', ', column_list, pg_catalog.quote_ident(queue_column[1]));
  END LOOP;

  -- Once a transaction is enough: for each row it would cost as much as the insert.
  checked := pg_catalog.format('uncached.checked_%s', queue_table::oid);
  IF pg_catalog.current_setting(checked, true) IS DISTINCT FROM column_list THEN
    PERFORM uncached.assert_queue_table(queue_table, queue_columns);
    PERFORM pg_catalog.set_config(checked, column_list, true);
  END IF;

  -- No DISTINCT: the unique constraint folds duplicates by the queue table's idea of equality. That of
  -- the source may take Port and port for the same (citext), and the pages of one would stay stale.
  IF TG_LEVEL = 'ROW' THEN
    keys := 'VALUES ' || pg_catalog.concat_ws(', ',
      CASE WHEN TG_OP <> 'INSERT' THEN '(($1).' || pg_catalog.array_to_string(source_columns, ', ($1).') || ')' END,
      CASE WHEN TG_OP <> 'DELETE' THEN '(($2).' || pg_catalog.array_to_string(source_columns, ', ($2).') || ')' END);
  ELSE
    keys := pg_catalog.array_to_string(source_columns, ', ');
    keys := pg_catalog.concat_ws(' UNION ALL ',
      CASE WHEN TG_OP <> 'INSERT' THEN pg_catalog.format('SELECT %s FROM %I', keys, old_table) END,
      CASE WHEN TG_OP <> 'DELETE' THEN pg_catalog.format('SELECT %s FROM %I', keys, new_table) END);
  END IF;
  EXECUTE pg_catalog.format('INSERT INTO %s (%s) %s ON CONFLICT (xid, %2$s) DO NOTHING', queue_table, column_list, keys)
    USING OLD, NEW;

  -- Even if nothing was inserted: the entry may stem from a producer that does not notify.
  PERFORM pg_catalog.pg_notify(pg_catalog.lower(TG_ARGV[1] COLLATE pg_catalog."C")::name, '');
  RETURN NULL;
END
$function$;

COMMENT ON FUNCTION uncached.enqueue() IS
  'Trigger function (queue table, channel, key column, ...): enqueues the keys of changed rows, and notifies. '
  'The file sql/4-enqueue.sql tells how to attach it.';

COMMIT;
