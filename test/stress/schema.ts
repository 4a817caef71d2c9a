import type { Client } from 'pg';
import { attach } from '../sql/attach.ts';
import { uncached } from '../uncached.ts';
import { data, families } from './families.ts';

/** The role that the daemon connects as. */
export const daemonRole = 'stress_daemon';

/** What an administrator would install for this site, and a trace of all entries, rows of the log and consumers. */
export async function installSchema(client: Client): Promise<void> {
  await client.query((await uncached(['schema'])).stdout);
  await client.query(siteSql);
  await client.query(
    'INSERT INTO datum SELECT * FROM json_to_recordset($1) AS d (family text, category text, port text)',
    [JSON.stringify(data)],
  );
  for (const family of families) {
    await client.query(
      `INSERT INTO listen_for (name, script_name) VALUES ('${family}_changed', 'listen_${family}')`,
    );
  }
  for (const level of ['row', 'statement'] as const) {
    const keys = ['category', 'port'];
    await attach(client, level, `datum_${level}`, [`public.queue_${level}`, `${level}_changed`, ...keys]);
  }
  await client.query(traceSql);
}

const shipped = (family: string) => `
  CREATE TABLE queue_${family} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, category text, port text,
    date_added timestamptz NOT NULL DEFAULT clock_timestamp(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(), UNIQUE (xid, category, port));
  GRANT SELECT, DELETE, UPDATE (id) ON queue_${family} TO uncached;`;

const siteSql = `
  DO $$ BEGIN CREATE ROLE ${daemonRole} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
  GRANT uncached TO ${daemonRole};

  CREATE TABLE datum (family text, category text, port text, version bigint NOT NULL DEFAULT 0) PARTITION BY LIST (family);
  ${families
    .map(
      (family) =>
        `CREATE TABLE datum_${family} PARTITION OF datum (PRIMARY KEY (category, port)) FOR VALUES IN ('${family}') WITH (fillfactor = 50);`,
    )
    .join('\n')}

  CREATE TABLE queue_plain (
    id bigint GENERATED ALWAYS AS IDENTITY, category text, port text, date_added timestamptz DEFAULT clock_timestamp());
  GRANT SELECT, DELETE, UPDATE (id) ON queue_plain TO uncached;
  CREATE TABLE queue_unique (
    id serial PRIMARY KEY, category text, port text, date_added timestamp DEFAULT now(), UNIQUE (category, port));
  GRANT SELECT, DELETE ON queue_unique TO uncached;
  ${shipped('row')}
  ${shipped('statement')}`;

/**
 * The trace explains a stale page. The second trigger notifies main of changes of what waits, so that main need
 * not poll.
 */
const traceSql = `
  CREATE TABLE trace (at timestamptz DEFAULT clock_timestamp(), what text, pid integer DEFAULT pg_backend_pid(), line jsonb);
  CREATE FUNCTION trace() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
  BEGIN
    INSERT INTO trace (what, line) VALUES (lower(TG_OP) || ' ' || TG_TABLE_NAME, to_jsonb(coalesce(NEW, OLD)));
    RETURN NULL;
  END $$;
  CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NOTIFY stress_settled; RETURN NULL; END $$;
  CREATE TRIGGER trace AFTER INSERT OR DELETE ON uncached.log FOR EACH ROW EXECUTE FUNCTION trace();
  CREATE TRIGGER trace AFTER INSERT OR UPDATE OR DELETE ON uncached.failing FOR EACH ROW EXECUTE FUNCTION trace();
  CREATE TRIGGER trace AFTER INSERT OR DELETE ON uncached.consumer FOR EACH ROW EXECUTE FUNCTION trace();
  CREATE TRIGGER changed AFTER UPDATE ON uncached.consumer FOR EACH ROW
    WHEN ((OLD.state, OLD.settled_to, OLD.cleared_to, OLD.owner) IS DISTINCT FROM (NEW.state, NEW.settled_to, NEW.cleared_to, NEW.owner))
    EXECUTE FUNCTION trace();
  CREATE TRIGGER tell AFTER UPDATE OR DELETE ON uncached.consumer FOR EACH STATEMENT EXECUTE FUNCTION tell();
  CREATE TRIGGER tell AFTER UPDATE OR DELETE ON uncached.failing FOR EACH STATEMENT EXECUTE FUNCTION tell();
  ${families
    .map(
      (family) =>
        `CREATE TRIGGER trace AFTER INSERT OR DELETE ON queue_${family} FOR EACH ROW EXECUTE FUNCTION trace();`,
    )
    .join('\n')}`;
