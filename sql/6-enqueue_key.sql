-- uncached.enqueue_key(): enqueues one key and notifies, for triggers and programs of one's own.
--
--   SELECT uncached.enqueue_key('public.cache_clearing_articles', 'article_updated', '{"section": "news", "slug": "hello"}');
--
-- Call it in the transaction of the change. The key names every key column of the queue table, exactly as the column
-- is named; null is NULL. It does what uncached.enqueue() of 5-enqueue.sql does for a row, and needs the same: the same
-- key twice in one transaction is one entry, the notification has the key, the channel is folded and '' notifies nobody, a key that is too long for
-- an index is enqueued as NULL with a warning, and the role needs SELECT, INSERT (key, columns) ON the queue table.
--
-- It runs nothing from the caller's search_path. That is also why there is no SET search_path here: a trigger of yours
-- on the queue table may need the path.

CREATE OR REPLACE FUNCTION uncached.enqueue_key(queue pg_catalog.regclass, channel pg_catalog.text, key pg_catalog.jsonb) RETURNS void
LANGUAGE plpgsql
AS $function$
DECLARE
  row_type    pg_catalog.text;
  columns     pg_catalog.name[];
  column_list pg_catalog.text;
  wrong       pg_catalog.text;
  remembered  pg_catalog.text;
  checked     pg_catalog.text;
  queue_form  pg_catalog.text;
  values_of   pg_catalog.text;
  bytes       integer;
  key_form    pg_catalog.text;
  payload     pg_catalog.text;
BEGIN
  IF queue IS NULL OR channel IS NULL OR key IS NULL THEN
    RAISE null_value_not_allowed USING
      MESSAGE = 'Cannot enqueue a key: the queue table, the channel or the key is NULL',
      HINT    = 'Without a channel, write '''': nobody is notified then.';
  END IF;
  IF pg_catalog.jsonb_typeof(key) OPERATOR(pg_catalog.<>) 'object' OR key OPERATOR(pg_catalog.=) '{}' THEN
    RAISE invalid_parameter_value USING
      MESSAGE = pg_catalog.format('Cannot enqueue into %s: the key is no object with columns and their values', queue),
      HINT    = 'Write {"section": "news", "slug": "hello"}. Into a queue table without key columns: INSERT INTO it DEFAULT VALUES, and NOTIFY.';
  END IF;

  SELECT pg_catalog.array_agg(k.name ORDER BY k.name COLLATE pg_catalog."C"),
         pg_catalog.string_agg(pg_catalog.quote_ident(k.name), ', ' ORDER BY k.name COLLATE pg_catalog."C")
    INTO columns, column_list
    FROM pg_catalog.jsonb_object_keys(key) AS k (name);

  -- Once a transaction is enough; what is remembered is never run: see 5-enqueue.sql.
  remembered := pg_catalog.format('uncached.checked_key_%s', queue::pg_catalog.oid);
  checked    := pg_catalog.current_setting(remembered, true);
  queue_form := pg_catalog.split_part(checked, ' ', 1);
  key_form   := pg_catalog.split_part(checked, ' ', 2);
  IF checked IS NULL OR checked OPERATOR(pg_catalog.<>) pg_catalog.concat_ws(' ', queue_form, key_form, column_list) THEN
    SELECT pg_catalog.string_agg(
             CASE WHEN k.name IS NULL THEN pg_catalog.format('the key has no value for its column %I', a.attname)
                  ELSE pg_catalog.format('it has no column %I', k.name) END, '; ')
      INTO wrong
      FROM pg_catalog.unnest(columns) AS k (name)
      FULL JOIN (SELECT c.attname, c.atthasdef OR c.attidentity OPERATOR(pg_catalog.<>) ''
                   FROM pg_catalog.pg_attribute AS c
                  WHERE c.attrelid OPERATOR(pg_catalog.=) queue::pg_catalog.oid
                    AND c.attnum OPERATOR(pg_catalog.>) 0
                    AND NOT c.attisdropped) AS a (attname, filled)
        ON a.attname OPERATOR(pg_catalog.=) k.name
     WHERE a.attname IS NULL
        OR k.name IS NULL AND NOT a.filled AND a.attname OPERATOR(pg_catalog.<>) ALL ('{id,date_added,xid}'::pg_catalog.name[]);
    IF wrong IS NOT NULL THEN
      RAISE undefined_column USING MESSAGE = pg_catalog.format('Cannot enqueue into %s: %s', queue, wrong);
    END IF;
    PERFORM uncached.assert_queue_table(queue, columns);
    queue_form := uncached.queue_form(queue, columns);
    key_form   := uncached.key_form(queue, columns, queue, columns);
    PERFORM pg_catalog.set_config(remembered, pg_catalog.concat_ws(' ', queue_form, key_form, column_list), true);
  END IF;

  -- With its schema always: as the name of a type, one that the path finds might be another's.
  SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
    INTO row_type
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
   WHERE c.oid OPERATOR(pg_catalog.=) queue::pg_catalog.oid;
  values_of := pg_catalog.format('SELECT %s FROM pg_catalog.jsonb_populate_record(NULL::%s, $1)', column_list, row_type);

  IF queue_form OPERATOR(pg_catalog.<>) 'free' THEN
    EXECUTE pg_catalog.format('SELECT pg_catalog.octet_length(pg_catalog.concat(%1$s)) FROM (%2$s) AS key (%1$s)',
                              column_list, values_of) INTO bytes USING key;
    IF bytes OPERATOR(pg_catalog.>) (2664 OPERATOR(pg_catalog.-) (8 OPERATOR(pg_catalog.*) pg_catalog.cardinality(columns))) THEN
      PERFORM uncached.enqueue_long_key(queue::pg_catalog.oid, columns[1], key::pg_catalog.text);
      values_of := NULL;
    END IF;
  END IF;
  IF values_of IS NOT NULL THEN
    EXECUTE pg_catalog.format('INSERT INTO %s (%s) %s %s', row_type, column_list, values_of,
        CASE WHEN queue_form OPERATOR(pg_catalog.=) 'folding'
             THEN pg_catalog.format('ON CONFLICT (xid, %s) DO NOTHING', column_list) END)
      USING key;
  END IF;

  IF channel OPERATOR(pg_catalog.<>) '' THEN
    payload := pg_catalog.format(uncached.key_payload(key_form, columns::pg_catalog.text[], columns::pg_catalog.text[]), 'key.');
    EXECUTE pg_catalog.format('SELECT %s FROM pg_catalog.jsonb_populate_record(NULL::%s, $1) AS key', payload, row_type)
       INTO payload USING key;
    PERFORM uncached.notify_keys(pg_catalog.lower(channel COLLATE pg_catalog."C")::pg_catalog.name, ARRAY[payload]);
  END IF;
END
$function$;

COMMENT ON FUNCTION uncached.enqueue_key(pg_catalog.regclass, pg_catalog.text, pg_catalog.jsonb) IS
  'Enqueues the key, such as {"section": "news", "slug": "hello"}, into the queue table, and notifies the channel.';
