-- Notifications with keys. uncached.enqueue() and uncached.enqueue_key() of the next files send them; and
-- uncached.notify(), the trigger function for sites that only have caches within their processes: no queue table, no
-- daemon.
--
--   EXECUTE FUNCTION uncached.notify(CHANNEL, KEY_COLUMN [, ...])
--
--   CREATE TRIGGER articles_notify
--     AFTER INSERT OR UPDATE OR DELETE ON articles
--     FOR EACH ROW
--     EXECUTE FUNCTION uncached.notify('article_updated', 'section', 'slug=name');
--
--   CREATE TRIGGER articles_notify_truncate
--     AFTER TRUNCATE ON articles
--     FOR EACH STATEMENT
--     EXECUTE FUNCTION uncached.notify('article_updated', 'section', 'slug=name');
--
-- A KEY_COLUMN is 'column', or 'name=column' where the key is to have another name. FOR EACH STATEMENT it names its
-- transition tables, as in 5-enqueue.sql. It needs no rights but those on the table. Nobody hears a notification while
-- not connected: a listener must take a new connection for "anything may have changed".
--
-- A payload is one JSON object, such as {"slug": "hello", "section": "news"}: the key columns, each with a string or null,
-- byte for byte as the daemon writes the key into uncached.log. An update notifies the key of the old row and that of the
-- new one. Any other payload means: anything of this channel may have changed. '' is sent
--   * instead of the keys beyond the first 100 that a transaction has for a channel (the same key counts once);
--   * where a payload has over 7,900 bytes (PostgreSQL has room for 7,999);
--   * where the text of a column depends on more than its value, as that of a timestamptz does: see key_form() below;
--   * for TRUNCATE;
--   * in a database whose encoding is SQL_ASCII, for a key that is not ASCII: those who listen may not be able to read it.
-- After '' the transaction notifies no more keys on that channel.
--
-- A notification is a hint, and any role may send one. For the daemon the entry in the queue table is what counts.
--
-- Everything is named with its schema here: see 5-enqueue.sql.


-- How to get the text of each key column, a letter for each: 't' by a cast to text, 'o' from the output function, 'd' a date
-- as ISO. Or '-' alone, if one of them may not get the text that the daemon reads in the queue table: it depends on settings
-- of the session (timestamptz, float, bytea, interval), or the queue's column may make something else of the value. The
-- text is that of src/postgres/key-text.ts; where the queue's column is text, it is what the insert's own cast makes.
CREATE OR REPLACE FUNCTION uncached.key_form(source regclass, source_columns name[], queue regclass, queue_columns name[]) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $function$
DECLARE
  integers constant oid[] := '{int2,int4,int8}'::regtype[]::oid[];
  plain    constant oid[] := '{bool,oid,numeric,name,uuid,cidr,macaddr}'::regtype[]::oid[];
  dates    constant oid[] := '{date,timestamp}'::regtype[]::oid[];
  form     text := '';
  letter   text;
  s        record;  -- the type of the source's column, and
  q        record;  --   of the queue's
BEGIN
  FOR place IN 1 .. cardinality(source_columns) LOOP
    SELECT t.oid, t.typtype, t.typcategory, t.typbasetype, t.typtypmod, a.atttypmod AS modifier INTO s
      FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
     WHERE a.attrelid = source AND a.attname = source_columns[place];
    WHILE s.typtype = 'd' LOOP
      SELECT t.oid, t.typtype, t.typcategory, t.typbasetype, t.typtypmod, s.typtypmod AS modifier INTO s
        FROM pg_type AS t WHERE t.oid = s.typbasetype;
    END LOOP;
    SELECT t.oid, t.typtype, t.typcategory, t.typbasetype, t.typtypmod, a.atttypmod AS modifier INTO q
      FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
     WHERE a.attrelid = queue AND a.attname = queue_columns[place];
    WHILE q.typtype = 'd' LOOP
      SELECT t.oid, t.typtype, t.typcategory, t.typbasetype, t.typtypmod, q.typtypmod AS modifier INTO q
        FROM pg_type AS t WHERE t.oid = q.typbasetype;
    END LOOP;

    letter := CASE
      WHEN q.oid = 'text'::regtype                                                                    THEN 't'
      WHEN q.oid = 'varchar'::regtype AND q.modifier = -1 AND s.oid < 16384                           THEN 't'
      WHEN s.oid = ANY (integers) AND q.oid = ANY (integers)                                          THEN 't'
      WHEN s.oid <> q.oid                                                                             THEN '-'
      WHEN q.modifier <> -1 AND q.modifier <> s.modifier
           AND NOT (q.oid = ANY ('{varchar,bpchar}'::regtype[]::oid[]) AND s.modifier BETWEEN 1 AND q.modifier) THEN '-'
      WHEN q.oid = ANY (plain) OR q.oid = ANY ('{varchar,bpchar}'::regtype[]::oid[])                  THEN 't'
      WHEN q.oid = ANY (dates)                                                                        THEN 'd'
      WHEN q.oid = 'inet'::regtype OR q.typtype = 'e' OR q.typcategory = 'S' AND q.oid >= 16384       THEN 'o'
      ELSE '-' END;
    IF letter = '-' THEN
      RETURN '-';
    END IF;
    form := concat(form, letter);
  END LOOP;
  RETURN form;
END
$function$;

COMMENT ON FUNCTION uncached.key_form(regclass, name[], regclass, name[]) IS
  'How uncached.notify_keys() gets the text of each key column; - if it cannot.';


-- The SQL that makes the payload of a row: a format() string, in which %1$s stands for the row, "($1)." or nothing.
CREATE OR REPLACE FUNCTION uncached.key_payload(form pg_catalog.text, names pg_catalog.text[], columns pg_catalog.text[]) RETURNS pg_catalog.text
LANGUAGE plpgsql IMMUTABLE
AS $function$
DECLARE
  members pg_catalog.text;
  letter  pg_catalog.text;
  value   pg_catalog.text;
BEGIN
  IF form OPERATOR(pg_catalog.=) '-' THEN
    RETURN 'NULL::pg_catalog.text';
  END IF;
  FOR place IN 1 .. pg_catalog.cardinality(names) LOOP
    letter  := pg_catalog.substr(form, place, 1);
    value   := pg_catalog.concat('%1$s', pg_catalog.replace(pg_catalog.quote_ident(columns[place]), '%', '%%'));
    members := pg_catalog.concat_ws(', ', members, pg_catalog.replace(pg_catalog.quote_literal(names[place]), '%', '%%'),
      CASE WHEN letter OPERATOR(pg_catalog.=) 'd'
           THEN pg_catalog.concat('pg_catalog.replace(pg_catalog.to_jsonb(', value, ') OPERATOR(pg_catalog.#>>) ''{}'', ''T'', '' '')')
           WHEN letter OPERATOR(pg_catalog.=) 'o'
           THEN pg_catalog.concat('CASE WHEN ', value, ' IS NOT NULL THEN pg_catalog.concat(', value, ') END')
           ELSE pg_catalog.concat(value, '::pg_catalog.text') END);
  END LOOP;
  RETURN pg_catalog.concat('pg_catalog.jsonb_build_object(', members, ')::pg_catalog.text');
END
$function$;

COMMENT ON FUNCTION uncached.key_payload(pg_catalog.text, pg_catalog.text[], pg_catalog.text[]) IS
  'The SQL that makes the payload of a notification from a row.';


-- The setting in which a transaction remembers what it has notified on a channel: a hash of 16 digits and a blank for each
-- key, or '*' after ''. Rolled back to a savepoint, it goes back together with the notifications. The session may alter
-- it. So it is never run and never converted, and a key that it names is notified all the same: whatever it says, the
-- most that it can do is send '' too early, or more keys than a hundred. Nor do equal hashes, or two channels with one
-- setting, do any harm.
CREATE OR REPLACE FUNCTION uncached.notified_setting(channel pg_catalog.name) RETURNS pg_catalog.text
LANGUAGE sql IMMUTABLE
AS $function$
  SELECT 'uncached.notified_' OPERATOR(pg_catalog.||) pg_catalog.to_hex(pg_catalog.hashtext(channel::pg_catalog.text))
$function$;

COMMENT ON FUNCTION uncached.notified_setting(pg_catalog.name) IS
  'The setting in which a transaction remembers the keys that it has notified on the channel.';


-- Notifies the channel of these keys; NULL means anything.
CREATE OR REPLACE FUNCTION uncached.notify_keys(channel pg_catalog.name, payloads pg_catalog.text[]) RETURNS void
LANGUAGE plpgsql
AS $function$
DECLARE
  setting  pg_catalog.text := uncached.notified_setting(channel);
  before   pg_catalog.text := COALESCE(pg_catalog.current_setting(setting, true), '');
  notified pg_catalog.text := before;
  ascii    pg_catalog.bool := pg_catalog.getdatabaseencoding() OPERATOR(pg_catalog.=) 'SQL_ASCII';
  anything pg_catalog.bool := payloads IS NULL OR before OPERATOR(pg_catalog.=) '*';
  payload  pg_catalog.text;
  hash     pg_catalog.text;
BEGIN
  IF NOT anything THEN
    FOREACH payload IN ARRAY payloads LOOP
      anything := payload IS NULL
               OR pg_catalog.octet_length(payload) OPERATOR(pg_catalog.>) 7900
               OR ascii AND payload OPERATOR(pg_catalog.~) '[^ -~]' COLLATE pg_catalog."C";
      EXIT WHEN anything;
      hash := pg_catalog.concat(pg_catalog.encode(pg_catalog.int8send(pg_catalog.hashtextextended(payload, 0)), 'hex'), ' ');
      IF pg_catalog.strpos(notified, hash) OPERATOR(pg_catalog.=) 0 THEN
        anything := pg_catalog.length(notified) OPERATOR(pg_catalog.>=) 1700;
        EXIT WHEN anything;
        notified := pg_catalog.concat(notified, hash);
      END IF;
      PERFORM pg_catalog.pg_notify(channel, payload);  -- once a transaction, however often
    END LOOP;
  END IF;
  IF anything THEN
    notified := '*';
    PERFORM pg_catalog.pg_notify(channel, '');
  END IF;
  IF notified OPERATOR(pg_catalog.<>) before THEN
    PERFORM pg_catalog.set_config(setting, notified, true);
  END IF;
END
$function$;

COMMENT ON FUNCTION uncached.notify_keys(pg_catalog.name, pg_catalog.text[]) IS
  'Notifies the channel of these keys, or of anything after 100 of them in a transaction.';


CREATE OR REPLACE FUNCTION uncached.notify() RETURNS trigger
LANGUAGE plpgsql
AS $function$
DECLARE
  inserts      boolean := TG_OP OPERATOR(pg_catalog.=) 'INSERT';
  deletes      boolean := TG_OP OPERATOR(pg_catalog.=) 'DELETE';
  channel      pg_catalog.name;
  old_table    pg_catalog.name;
  new_table    pg_catalog.name;
  argument     pg_catalog.text;
  parts        pg_catalog.text[];
  key_name     pg_catalog.text[];
  key_column   pg_catalog.text[];
  names        pg_catalog.text[];
  columns      pg_catalog.text[];
  remembered   pg_catalog.text;
  checked      pg_catalog.text;
  key_form     pg_catalog.text;
  payload      pg_catalog.text;
  payloads     pg_catalog.text[];
BEGIN
  IF TG_WHEN OPERATOR(pg_catalog.<>) 'AFTER' THEN
    RAISE trigger_protocol_violated USING
      MESSAGE = pg_catalog.format('Cannot notify from trigger %I: it is %s, not AFTER', TG_NAME, TG_WHEN);
  END IF;
  IF TG_NARGS OPERATOR(pg_catalog.<) 2 THEN
    RAISE trigger_protocol_violated USING
      MESSAGE = pg_catalog.format('Cannot notify from trigger %I: it has too few arguments', TG_NAME),
      HINT    = 'They are the channel and at least one key column: uncached.notify(''article_updated'', ''section'', ''slug=name'').';
  END IF;
  IF TG_ARGV[0] OPERATOR(pg_catalog.=) '' THEN
    RAISE trigger_protocol_violated USING
      MESSAGE = pg_catalog.format('Cannot notify from trigger %I: its channel is empty', TG_NAME),
      HINT    = 'Name the channel, or drop the trigger: there is nobody to notify.';
  END IF;

  FOREACH argument IN ARRAY TG_ARGV[1:] LOOP
    parts      := pg_catalog.regexp_match(argument, '^ *([^"=]+|"(?:[^"]|"")+") *(?:=(.+))?$');
    key_name   := pg_catalog.parse_ident(parts[1]);
    key_column := CASE WHEN parts[2] IS NULL THEN key_name ELSE pg_catalog.parse_ident(parts[2]) END;
    IF parts IS NULL OR key_name[2] IS NOT NULL OR key_column[2] IS NOT NULL THEN
      RAISE trigger_protocol_violated USING
        MESSAGE = pg_catalog.format('Cannot notify from trigger %I: %s is not a key column', TG_NAME, argument),
        HINT    = 'Write column, or name=column.';
    END IF;
    names   := pg_catalog.array_append(names, key_name[1]);
    columns := pg_catalog.array_append(columns, key_column[1]);
  END LOOP;

  remembered := pg_catalog.format('uncached.checked_notify_%s', TG_RELID);
  checked    := pg_catalog.current_setting(remembered, true);
  key_form   := pg_catalog.split_part(checked, ' ', 1);
  IF checked IS NULL OR checked OPERATOR(pg_catalog.<>) pg_catalog.concat_ws(' ', key_form, columns) THEN
    PERFORM uncached.assert_source(TG_RELID, columns::pg_catalog.name[]);
    key_form := uncached.key_form(TG_RELID, columns::pg_catalog.name[], TG_RELID, columns::pg_catalog.name[]);
    PERFORM pg_catalog.set_config(remembered, pg_catalog.concat_ws(' ', key_form, columns), true);
  END IF;
  channel := pg_catalog.lower(TG_ARGV[0] COLLATE pg_catalog."C")::pg_catalog.name;

  IF TG_OP OPERATOR(pg_catalog.=) 'TRUNCATE' THEN
    PERFORM uncached.notify_keys(channel, NULL);
    RETURN NULL;
  END IF;

  payload := uncached.key_payload(key_form, names, columns);
  IF TG_LEVEL OPERATOR(pg_catalog.=) 'STATEMENT' THEN
    SELECT t.tgoldtable, t.tgnewtable
      INTO old_table, new_table
      FROM pg_catalog.pg_trigger AS t
     WHERE t.tgrelid OPERATOR(pg_catalog.=) TG_RELID AND t.tgname OPERATOR(pg_catalog.=) TG_NAME;

    IF (old_table IS NULL AND NOT inserts) OR (new_table IS NULL AND NOT deletes) THEN
      RAISE trigger_protocol_violated USING
        MESSAGE = pg_catalog.format('Cannot notify from trigger %I: it does not name its transition tables', TG_NAME),
        HINT    = pg_catalog.format('Make it FOR EACH ROW, or add REFERENCING%s%s.',
                    CASE WHEN NOT inserts THEN ' OLD TABLE AS old_rows' END,
                    CASE WHEN NOT deletes THEN ' NEW TABLE AS new_rows' END);
    END IF;

    payload := pg_catalog.format(payload, '');
    payload := pg_catalog.concat_ws(' UNION ALL ',
      CASE WHEN NOT inserts THEN pg_catalog.format('SELECT %s FROM %I', payload, old_table) END,
      CASE WHEN NOT deletes THEN pg_catalog.format('SELECT %s FROM %I', payload, new_table) END);
    -- The first rows mostly say that there are too many keys. The others need not be read then.
    EXECUTE pg_catalog.format(
      'SELECT CASE WHEN (SELECT pg_catalog.count(DISTINCT payload) FROM (%1$s LIMIT 300) AS key (payload)) '
                       'OPERATOR(pg_catalog.<=) 100 '
                  'THEN ARRAY(SELECT DISTINCT payload FROM (%1$s) AS key (payload) LIMIT 101) END', payload)
       INTO payloads;
  ELSIF COALESCE(pg_catalog.current_setting(uncached.notified_setting(channel), true), '') OPERATOR(pg_catalog.<>) '*' THEN
    EXECUTE pg_catalog.format('SELECT ARRAY[%s]', pg_catalog.concat_ws(', ',
        CASE WHEN NOT inserts THEN pg_catalog.format(payload, '($1).') END,
        CASE WHEN NOT deletes THEN pg_catalog.format(payload, '($2).') END))
       INTO payloads USING OLD, NEW;
  END IF;
  PERFORM uncached.notify_keys(channel, payloads);
  RETURN NULL;
END
$function$;

COMMENT ON FUNCTION uncached.notify() IS
  'Trigger function (channel, key column, ...): notifies the channel of the keys of changed rows, without a queue. '
  'The file sql/4-notify.sql tells how to attach it.';
