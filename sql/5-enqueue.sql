-- uncached.enqueue(): the trigger function that enqueues the keys of changed rows, and notifies.
--
--   EXECUTE FUNCTION uncached.enqueue(QUEUE_TABLE, CHANNEL, KEY_COLUMN [, ...])
--
-- A KEY_COLUMN is 'column', or 'queue_column=source_column' where the names differ. Names are
-- written as in SQL: quoted where they need it. Name the queue table with its schema: then no
-- search_path and no temporary table can lead the entries elsewhere.
--
-- For each row; right where changes come one at a time (35 to 50 microseconds a row):
--
--   CREATE TRIGGER articles_enqueue
--     AFTER INSERT OR UPDATE OR DELETE ON articles
--     FOR EACH ROW
--     EXECUTE FUNCTION uncached.enqueue('public.cache_clearing_articles', 'article_updated', 'section', 'slug=name');
--
-- For each statement; right where changes come by the thousand (5 to 7 microseconds a row). PostgreSQL
-- wants one trigger for each event, each naming its transition tables:
--
--   CREATE TRIGGER articles_enqueue_insert
--     AFTER INSERT ON articles
--     REFERENCING NEW TABLE AS new_rows
--     FOR EACH STATEMENT
--     EXECUTE FUNCTION uncached.enqueue('public.cache_clearing_articles', 'article_updated', 'section', 'slug=name');
--
--   CREATE TRIGGER articles_enqueue_update
--     AFTER UPDATE ON articles
--     REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
--     FOR EACH STATEMENT
--     EXECUTE FUNCTION uncached.enqueue('public.cache_clearing_articles', 'article_updated', 'section', 'slug=name');
--
--   CREATE TRIGGER articles_enqueue_delete
--     AFTER DELETE ON articles
--     REFERENCING OLD TABLE AS old_rows
--     FOR EACH STATEMENT
--     EXECUTE FUNCTION uncached.enqueue('public.cache_clearing_articles', 'article_updated', 'section', 'slug=name');
--
-- What it does
--   * An update enqueues the key of the old row and that of the new one: an article that moves to another
--     section makes pages of both stale.
--   * The same key twice in one transaction is one entry. (Not a NULL key: NULLs are never equal.)
--     Another transaction's entry is never relied on and never waited for: see 3-assert.sql.
--   * A statement that touches no rows neither enqueues nor notifies.
--   * The payload of a notification is the key, such as {"slug": "hello", "section": "news"}, or '', which means
--     anything: after 100 keys in one transaction, and where the key has no certain text. See 4-notify.sql.
--   * The channel is folded as PostgreSQL folds an unquoted name, because the daemon's LISTEN is. An
--     empty one, '', notifies nobody: a transaction that has notified cannot be prepared (PREPARE
--     TRANSACTION, XA). The daemon then finds the entry with its next sweep.
--   * TRUNCATE is refused: it does not say which rows it removes.
--   * It runs nothing from the caller's search_path, however that is set. It uses the path only to find a
--     queue table that is named without its schema.
--
-- What it needs
--   * A queue table like that of 3-assert.sql. UNIQUE (xid, key) folds the duplicates of a transaction;
--     without it those of a statement are folded, and the daemon folds the rest. Where another unique index stands
--     in the way, the first change fails, and its hint is the statement that helps. Where that drops a constraint,
--     such as UNIQUE (section, slug), producers that name it in ON CONFLICT (section, slug) have to change with it.
--   * Keys that are the same bytes when they are equal, where there is a UNIQUE: file names are bytes. Of other
--     types (citext, numeric, a nondeterministic collation) the queue column has to be text.
--   * Keys of up to 2,600 bytes, where there is an index over them: PostgreSQL's have no room for more. A longer
--     one is enqueued as NULL, with a warning, and the daemon reports it as failing; the change is not refused.
--     For longer ones leave the UNIQUE out.
--   * Columns that are stored: a trigger does not see a VIRTUAL generated one (the default from PostgreSQL 18).
--   * The role that changes the table needs SELECT, INSERT (key, columns) ON the queue table, and nothing else.
--     PostgreSQL requires SELECT because ON CONFLICT (xid, ...) names columns. A role that may INSERT xid could use
--     the xid of another transaction and hold up its changes of the same key.
--   * The role that creates the trigger needs nothing but the table.
--
-- What no trigger sees: doc/recipes.md, "What triggers do not see".
--
-- It runs with the rights of the role that changes the table (SECURITY INVOKER). With the rights of its own
-- owner it would be a hole: the owner of the table with the trigger chooses the arguments, and could then
-- write into any table of the database.
--
-- Triggers that use it stay as they are when it is installed again.

-- Names are not secrets, and the log has grants of its own.
GRANT USAGE ON SCHEMA uncached TO PUBLIC;


-- There is no SET search_path here: it would hide the caller's from QUEUE_TABLE. Instead each function, operator and type
-- is named with its schema, here and in what is put together, so that nobody's search_path can slip in another.
-- (IN, CASE x WHEN, IS DISTINCT FROM and LIKE look for their operators in the search_path.)
CREATE OR REPLACE FUNCTION uncached.enqueue() RETURNS trigger
LANGUAGE plpgsql
AS $function$
DECLARE
  inserts        boolean := TG_OP OPERATOR(pg_catalog.=) 'INSERT';
  deletes        boolean := TG_OP OPERATOR(pg_catalog.=) 'DELETE';
  by_statement   boolean := TG_LEVEL OPERATOR(pg_catalog.=) 'STATEMENT';
  old_table      pg_catalog.name;            -- the transition tables of a statement-level trigger,
  new_table      pg_catalog.name;            --   by whatever names it has given them
  touched        boolean;
  queue_table    pg_catalog.regclass;
  argument       pg_catalog.text;
  parts          pg_catalog.text[];
  queue_column   pg_catalog.text[];
  source_column  pg_catalog.text[];
  queue_columns  pg_catalog.text[];
  source_columns pg_catalog.text[];          -- in the same order
  column_list    pg_catalog.text;
  value_list     pg_catalog.text;            -- the source columns for format(): %1$s stands for the row
  bytes_list     pg_catalog.text;
  old_values     pg_catalog.text;
  new_values     pg_catalog.text;
  longest        integer;
  same           boolean;
  room           integer := 2680 OPERATOR(pg_catalog.-) (8 OPERATOR(pg_catalog.*) TG_NARGS);
  remembered     pg_catalog.text;
  checked        pg_catalog.text;
  checked_for    pg_catalog.text;
  queue_form     pg_catalog.text;
  keys           pg_catalog.text;
  channel        pg_catalog.name := pg_catalog.lower(TG_ARGV[1] COLLATE pg_catalog."C")::pg_catalog.name;
  key_form       pg_catalog.text;
  with_keys      boolean;
  payload        pg_catalog.text;
  payloads       pg_catalog.text[];
  added          bigint;
BEGIN
  IF TG_OP OPERATOR(pg_catalog.=) 'TRUNCATE' THEN
    RAISE feature_not_supported USING
      MESSAGE = pg_catalog.format('Cannot enqueue from trigger %I: TRUNCATE does not tell which rows it removes', TG_NAME),
      HINT    = 'Use DELETE, or drop the trigger''s TRUNCATE and clear the pages by hand.';
  END IF;
  IF TG_WHEN OPERATOR(pg_catalog.<>) 'AFTER' THEN  -- another trigger could still alter the change, or drop it
    RAISE trigger_protocol_violated USING
      MESSAGE = pg_catalog.format('Cannot enqueue from trigger %I: it is %s, not AFTER', TG_NAME, TG_WHEN);
  END IF;
  IF TG_NARGS OPERATOR(pg_catalog.<) 3 THEN
    RAISE trigger_protocol_violated USING
      MESSAGE = pg_catalog.format('Cannot enqueue from trigger %I: it has too few arguments', TG_NAME),
      HINT    = 'They are the queue table, the channel and at least one key column: '
                'uncached.enqueue(''public.cache_clearing_articles'', ''article_updated'', ''section'', ''slug=name'').';
  END IF;

  IF by_statement THEN
    SELECT t.tgoldtable, t.tgnewtable
      INTO old_table, new_table
      FROM pg_catalog.pg_trigger AS t
     WHERE t.tgrelid OPERATOR(pg_catalog.=) TG_RELID AND t.tgname OPERATOR(pg_catalog.=) TG_NAME;

    IF (old_table IS NULL AND NOT inserts) OR (new_table IS NULL AND NOT deletes) THEN
      RAISE trigger_protocol_violated USING
        MESSAGE = pg_catalog.format('Cannot enqueue from trigger %I: it does not name its transition tables', TG_NAME),
        HINT    = pg_catalog.format('Make it FOR EACH ROW, or add REFERENCING%s%s.',
                    CASE WHEN NOT inserts THEN ' OLD TABLE AS old_rows' END,
                    CASE WHEN NOT deletes THEN ' NEW TABLE AS new_rows' END);
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
    source_column := CASE WHEN parts[2] IS NULL THEN queue_column ELSE pg_catalog.parse_ident(parts[2]) END;
    IF parts IS NULL OR queue_column[2] IS NOT NULL OR source_column[2] IS NOT NULL THEN
      RAISE trigger_protocol_violated USING
        MESSAGE = pg_catalog.format('Cannot enqueue from trigger %I: %s is not a key column', TG_NAME, argument),
        HINT    = 'Write column, or queue_column=source_column.';
    END IF;
    queue_columns  := pg_catalog.array_append(queue_columns, queue_column[1]);
    source_columns := pg_catalog.array_append(source_columns, source_column[1]);
    column_list    := pg_catalog.concat_ws(', ', column_list, pg_catalog.quote_ident(queue_column[1]));
    value_list     := pg_catalog.concat_ws(', ', value_list, pg_catalog.concat('%1$s',
                        pg_catalog.replace(pg_catalog.quote_ident(source_column[1]), '%', '%%')));
  END LOOP;

  -- Once a transaction is enough: for each row it would cost as much as the insert. What is remembered is text that the
  -- session may alter: so it chooses among ways to write, and is never run.
  remembered  := pg_catalog.format('uncached.checked_%s_%s', TG_RELID, queue_table::pg_catalog.oid);
  checked     := pg_catalog.current_setting(remembered, true);
  queue_form  := pg_catalog.split_part(checked, ' ', 1);
  key_form    := pg_catalog.split_part(checked, ' ', 2);
  checked_for := pg_catalog.concat_ws(' ', queue_form, key_form, column_list, value_list);
  IF checked IS NULL OR checked OPERATOR(pg_catalog.<>) checked_for THEN
    PERFORM uncached.assert_source(TG_RELID, source_columns::pg_catalog.name[]);
    PERFORM uncached.assert_queue_table(queue_table, queue_columns::pg_catalog.name[]);
    queue_form := uncached.queue_form(queue_table, queue_columns::pg_catalog.name[]);
    key_form   := uncached.key_form(TG_RELID, source_columns::pg_catalog.name[], queue_table, queue_columns::pg_catalog.name[]);
    PERFORM pg_catalog.set_config(remembered, pg_catalog.concat_ws(' ', queue_form, key_form, column_list, value_list), true);
  END IF;
  with_keys := channel OPERATOR(pg_catalog.<>) '' AND key_form OPERATOR(pg_catalog.<>) '-'
           AND COALESCE(pg_catalog.current_setting(uncached.notified_setting(channel), true), '') OPERATOR(pg_catalog.<>) '*';
  IF with_keys THEN
    payload := uncached.key_payload(key_form, queue_columns, source_columns);
  END IF;

  IF by_statement THEN
    value_list := pg_catalog.format(value_list, '');
    keys := pg_catalog.concat_ws(' UNION ALL ',
      CASE WHEN NOT inserts THEN pg_catalog.format('SELECT %s FROM %I', value_list, old_table) END,
      CASE WHEN NOT deletes THEN pg_catalog.format('SELECT %s FROM %I', value_list, new_table) END);

    -- By the bytes: the source's idea of equality may take Port and port for the same (citext), and the pages of one
    -- would stay stale.
    IF queue_form OPERATOR(pg_catalog.<>) 'folding' THEN
      FOREACH argument IN ARRAY queue_columns LOOP
        bytes_list := pg_catalog.concat_ws(', ', bytes_list,
                        pg_catalog.format('%I::pg_catalog.text COLLATE pg_catalog."C"', argument));
      END LOOP;
      keys := pg_catalog.format('SELECT DISTINCT ON (%s) * FROM (%s) AS key (%s)', bytes_list, keys, column_list);
    END IF;
  ELSE
    old_values := CASE WHEN NOT inserts THEN pg_catalog.format(value_list, '($1).') END;
    new_values := CASE WHEN NOT deletes THEN pg_catalog.format(value_list, '($2).') END;
    -- One query, since each costs more than what it asks. The insert does not look at lengths itself for the same reason.
    IF queue_form OPERATOR(pg_catalog.<>) 'free' OR with_keys OR NOT inserts AND NOT deletes THEN
      EXECUTE pg_catalog.format('SELECT %s, %s, ARRAY[%s]::pg_catalog.text[]',
          CASE WHEN queue_form OPERATOR(pg_catalog.=) 'free' THEN 'NULL'
               ELSE pg_catalog.format('pg_catalog.octet_length(pg_catalog.concat(%s))',
                                      pg_catalog.concat_ws(', ', old_values, new_values)) END,
          CASE WHEN queue_form OPERATOR(pg_catalog.=) 'folding' OR inserts OR deletes THEN 'false'
               ELSE pg_catalog.format('pg_catalog.record_image_eq(ROW(%s), ROW(%s))', old_values, new_values) END,
          CASE WHEN with_keys THEN pg_catalog.concat_ws(', ',
            CASE WHEN NOT inserts THEN pg_catalog.format(payload, '($1).') END,
            CASE WHEN NOT deletes THEN pg_catalog.format(payload, '($2).') END) END)
         INTO longest, same, payloads USING OLD, NEW;
      old_values := CASE WHEN NOT same THEN old_values END;
    END IF;
    keys := pg_catalog.concat('VALUES (', pg_catalog.concat_ws('), (', old_values, new_values), ')');
  END IF;

  -- A row of a btree ends at 2,704 bytes, of which some are the tuple's, xid's and each column's own.
  IF queue_form OPERATOR(pg_catalog.<>) 'free' AND (by_statement OR longest OPERATOR(pg_catalog.>) room) THEN
    keys := pg_catalog.format(
      'SELECT * FROM (%1$s) AS key (%2$s) WHERE pg_catalog.octet_length(pg_catalog.concat(%2$s)) OPERATOR(pg_catalog.<=) %3$s '
        'OR uncached.enqueue_long_key(%4$s, %5$L, pg_catalog.concat_ws('', '', %2$s))',
      keys, column_list, room, queue_table::pg_catalog.oid, queue_columns[1]);
  END IF;

  EXECUTE pg_catalog.format('INSERT INTO %s (%s) %s %s', queue_table, column_list, keys,
      CASE WHEN queue_form OPERATOR(pg_catalog.=) 'folding'
           THEN pg_catalog.format('ON CONFLICT (xid, %s) DO NOTHING', column_list) END)
    USING OLD, NEW;

  -- Even if nothing was inserted: the entry may stem from a producer that does not notify.
  IF with_keys THEN
    IF by_statement THEN
      GET DIAGNOSTICS added = ROW_COUNT;  -- distinct keys
      IF added OPERATOR(pg_catalog.<=) 100 THEN
        payload := pg_catalog.format(payload, '');
        EXECUTE pg_catalog.format('SELECT ARRAY(SELECT DISTINCT payload FROM (%s) AS key (payload) LIMIT 101)',
            pg_catalog.concat_ws(' UNION ALL ',
              CASE WHEN NOT inserts THEN pg_catalog.format('SELECT %s FROM %I', payload, old_table) END,
              CASE WHEN NOT deletes THEN pg_catalog.format('SELECT %s FROM %I', payload, new_table) END))
           INTO payloads;
      END IF;
    END IF;
    PERFORM uncached.notify_keys(channel, payloads);
  ELSIF channel OPERATOR(pg_catalog.<>) '' THEN
    PERFORM pg_catalog.pg_notify(channel, '');
  END IF;
  RETURN NULL;
END
$function$;

COMMENT ON FUNCTION uncached.enqueue() IS
  'Trigger function (queue table, channel, key column, ...): enqueues the keys of changed rows, and notifies. '
  'The file sql/5-enqueue.sql tells how to attach it.';
