-- What "uncached schema --freshports" adds: the four queue tables of FreshPorts, and their channels in listen_for.
--
-- They go into the first schema of your search_path. A table that is there already is left as it is, and so is
-- listen_for where its channel is concerned: a row that somebody has taken out does not come back.

DO $$
DECLARE
  home       text     := current_setting('uncached.home');
  listen_for regclass := format('%I.listen_for', home);
  -- Another role's listen_for may have triggers, which would run with the rights of the role that runs this.
  owner      name     := (SELECT r.rolname
                            FROM pg_class AS c
                            JOIN pg_roles AS r ON r.oid = c.relowner
                           WHERE c.oid = listen_for AND r.rolname <> current_user AND NOT r.rolsuper);
  queue      record;
BEGIN
  FOR queue IN
    SELECT *
      FROM (VALUES
        ('cache_clearing_ports',   'category text, port text', 'category, port',  'port_updated',   'listen_port'),
        ('cache_clearing_dates',   'date_to_clear date',       'date_to_clear',   'date_updated',   'listen_date_updated'),
        -- A Git hash, or the Message-ID of the Subversion years.
        ('cache_clearing_commits', 'commit_to_clear text',     'commit_to_clear', 'commit_updated', 'listen_commit'),
        -- Such as /ports/head/MOVED.
        ('cache_clearing_files',   'pathname text',            'pathname',        'file_updated',   'listen_file_updated')
      ) AS freshports (name, columns, key, channel, handler)
  LOOP
    PERFORM set_config('uncached.queue_tables',
      concat_ws(' ', NULLIF(current_setting('uncached.queue_tables', true), ''), queue.name), true);
    CONTINUE WHEN to_regclass(format('%I.%I', home, queue.name)) IS NOT NULL;

    EXECUTE format($sql$
      CREATE TABLE %I.%I (
        id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        %s,
        date_added timestamptz NOT NULL DEFAULT clock_timestamp(),
        xid        xid8        NOT NULL DEFAULT pg_current_xact_id(),
        UNIQUE (xid, %s)
      ) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0)
    $sql$, home, queue.name, queue.columns, queue.key);

    IF owner IS NULL THEN
      EXECUTE format('INSERT INTO %1$s (name, script_name) SELECT %2$L, %3$L '
                     'WHERE NOT EXISTS (SELECT FROM %1$s WHERE name = %2$L)',
                     listen_for, queue.channel, queue.handler);
    ELSE
      RAISE WARNING USING
        MESSAGE = format('Channel %s was not added: %s belongs to role %I', queue.channel, listen_for, owner),
        HINT    = format('As that role: INSERT INTO %s (name, script_name) VALUES (%L, %L).',
                         listen_for, queue.channel, queue.handler);
    END IF;
  END LOOP;
END
$$;
