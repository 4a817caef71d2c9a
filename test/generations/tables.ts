/**
 * The tables of a FreshPorts database in every form they have had, each table separately, as the site's own
 * scripts made them.
 */

const listenFor = `
  CREATE TABLE listen_for (id serial PRIMARY KEY, name text NOT NULL, script_name text NOT NULL);
  CREATE UNIQUE INDEX listen_for_name ON listen_for (name);
  INSERT INTO listen_for (id, name, script_name) VALUES
    (5, 'port_updated', 'listen_port'), (6, 'date_updated', 'listen_date_updated'),
    (7, 'commit_updated', 'listen_commit'), (8, 'file_updated', 'listen_file_updated'),
    (10, 'packages_cache_clear', 'ClearPackagesCache');`;

const portColumns = `
  id         serial PRIMARY KEY,
  port_id    integer NOT NULL REFERENCES ports ON DELETE CASCADE,
  category   text,
  port       text,
  date_added timestamp without time zone DEFAULT now()`;

const portsTable = `
  CREATE TABLE ports (id integer PRIMARY KEY);
  INSERT INTO ports SELECT generate_series(1, 1000);`;

const ports = {
  'ports that are in no way unique': `${portsTable} CREATE TABLE cache_clearing_ports (${portColumns});`,
  'ports unique by port_id': `${portsTable}
    CREATE TABLE cache_clearing_ports (${portColumns});
    ALTER TABLE cache_clearing_ports ADD CONSTRAINT cache_clearing_ports_port_id UNIQUE (port_id);`,
  'ports unique by category and port': `${portsTable}
    CREATE TABLE cache_clearing_ports (${portColumns});
    ALTER TABLE cache_clearing_ports ADD CONSTRAINT cache_clearing_ports_name UNIQUE (category, port);`,
} as const;

const datesTable = (type: string) => `
  CREATE SEQUENCE cache_clearing_dates_id_seq;
  CREATE TABLE cache_clearing_dates (
    id            integer NOT NULL DEFAULT nextval('cache_clearing_dates_id_seq'::text::regclass),
    date_to_clear date,
    date_added    ${type} DEFAULT now()
  );`;

const dates = {
  'dates added at a time of day': datesTable('time without time zone'),
  'dates added at a timestamp': datesTable('timestamp without time zone'),
} as const;

const commits = `
  CREATE TABLE cache_clearing_commits (
    commit_to_clear text NOT NULL PRIMARY KEY,
    date_added      timestamp without time zone DEFAULT now()
  );`;

const files = `
  CREATE TABLE cache_clearing_files (
    id         serial PRIMARY KEY,
    pathname   text NOT NULL UNIQUE,
    date_added timestamp without time zone DEFAULT now()
  );`;

/** For one queue table. The daemon's role can neither insert nor lock. */
const grantsOn = (table: string) => `
  GRANT SELECT, DELETE ON ${table} TO listening;
  GRANT SELECT, INSERT, UPDATE ON ${table} TO commits;
  GRANT SELECT, INSERT ON ${table} TO www;
  GRANT SELECT ON ${table} TO reporting;`;

/** Roles belong to the server: the owner of the site's tables, and the roles that use them. */
export const roles = `
  CREATE ROLE dan LOGIN CREATEROLE;
  CREATE ROLE listening LOGIN;
  CREATE ROLE www LOGIN;
  CREATE ROLE commits LOGIN;
  CREATE ROLE reporting LOGIN;`;

export const queueTables = [
  'cache_clearing_ports',
  'cache_clearing_dates',
  'cache_clearing_commits',
  'cache_clearing_files',
] as const;

export type QueueTable = (typeof queueTables)[number];

/** The statements that create each queue table. */
export type Generation = Readonly<Record<QueueTable, string>>;

export const generations = Object.entries(ports).flatMap(([ofPorts, portsTable]) =>
  Object.entries(dates).map(([ofDates, datesTable]) => ({
    title: `${ofPorts}, ${ofDates}`,
    tables: {
      cache_clearing_ports: portsTable,
      cache_clearing_dates: datesTable,
      cache_clearing_commits: commits,
      cache_clearing_files: files,
    } satisfies Generation,
  })),
);

export const [oldest] = generations.map(({ tables }) => tables) as [Generation, ...Generation[]];

/** One queue table with its rights. */
export function createTable(generation: Generation, table: QueueTable): string {
  // A table's grants do not include its sequence.
  return `${generation[table]} ${grantsOn(table)} GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO www, commits;`;
}

/** A database of one generation, without the `absent` table. */
export function createTables(generation: Generation, absent?: QueueTable): string {
  return [
    listenFor,
    'GRANT SELECT ON listen_for TO listening, www, commits, reporting;',
    ...queueTables.filter((table) => table !== absent).map((table) => createTable(generation, table)),
  ].join('\n');
}
