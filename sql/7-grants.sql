-- The rights of the daemon on listen_for, and on the queue tables of freshports.sql if that is installed, for the role
-- uncached of 1-log.sql. Afterwards, if the daemon connects as another role:
--
--   GRANT uncached TO ROLE_OF_THE_DAEMON;
--
-- A queue table of your own needs:
--
--   GRANT SELECT, DELETE, UPDATE (id) ON my_queue_table TO uncached;

DO $$
DECLARE
  home        text       := current_setting('uncached.home');
  listen_for  regclass   := format('%I.listen_for', home);
  queues      regclass[] := ARRAY(
    SELECT format('%I.%I', home, name)::regclass
      FROM unnest(string_to_array(current_setting('uncached.queue_tables', true), ' ')) AS name);
  queue       regclass;
  lock_column name;
  owner       name;
BEGIN
  EXECUTE format('GRANT SELECT ON %s TO uncached', listen_for);

  -- The claim locks entries FOR UPDATE, and PostgreSQL asks for UPDATE on one column for that; the
  -- daemon updates none. It is id where there is one, which as an identity cannot be set anyway, and
  -- the first column where there is none.
  FOREACH queue IN ARRAY queues LOOP
    SELECT attname
      INTO lock_column
      FROM pg_attribute
     WHERE attrelid = queue AND attnum > 0 AND NOT attisdropped
     ORDER BY attname = 'id' DESC, attnum
     LIMIT 1;
    EXECUTE format('GRANT SELECT, DELETE, UPDATE (%I) ON %s TO uncached', lock_column, queue);
  END LOOP;

  -- Until PostgreSQL 14 each role may create tables in public, and so may have been here first.
  FOR queue, owner IN
    SELECT c.oid, r.rolname
      FROM pg_class AS c
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
      JOIN pg_roles AS r ON r.oid = c.relowner
     WHERE c.oid = ANY (array_append(queues, listen_for)::oid[])
       AND NOT r.rolsuper AND r.rolname <> current_user AND r.oid <> n.nspowner
       AND r.oid <> (SELECT datdba FROM pg_database WHERE datname = current_database())
  LOOP
    RAISE WARNING USING
      MESSAGE = format('Table %s was there already and belongs to role %I, whose triggers and rules on it will run with the '
                       'rights of the daemon', queue, owner),
      HINT    = format('If %I is not trusted with these, look at its triggers, and ALTER TABLE %s OWNER TO %I.',
                       owner, queue, current_user);
  END LOOP;

  -- PUBLIC may use most schemas. Where that has been revoked, the daemon still must.
  IF NOT has_schema_privilege('uncached', home, 'USAGE') THEN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO uncached', home);
  END IF;
END
$$;
