/** The tables of a FreshPorts database that has had them for years (doc/freshports.md), with a row in each. */
export const freshPortsTables = `
  CREATE TABLE listen_for (id serial PRIMARY KEY, name text NOT NULL, script_name text NOT NULL);
  CREATE UNIQUE INDEX listen_for_name ON listen_for (name);
  INSERT INTO listen_for (name, script_name) VALUES ('packages_cache_clear', 'ClearPackagesCache');

  CREATE TABLE ports (id integer PRIMARY KEY);
  INSERT INTO ports VALUES (1);
  CREATE TABLE cache_clearing_ports (
    id         serial PRIMARY KEY,
    port_id    integer NOT NULL REFERENCES ports ON DELETE CASCADE,
    category   text NOT NULL,
    port       text NOT NULL,
    date_added timestamp DEFAULT now(),
    CONSTRAINT cache_clearing_ports_category_port UNIQUE (category, port)
  );
  INSERT INTO cache_clearing_ports (port_id, category, port) VALUES (1, 'www', 'nginx');

  CREATE SEQUENCE cache_clearing_dates_id_seq;
  CREATE TABLE cache_clearing_dates (
    id            integer NOT NULL DEFAULT nextval('cache_clearing_dates_id_seq'),
    date_to_clear date,
    date_added    time DEFAULT now()
  );
  INSERT INTO cache_clearing_dates (date_to_clear) VALUES (NULL);

  CREATE TABLE cache_clearing_commits (commit_to_clear text PRIMARY KEY, date_added timestamp DEFAULT now());
  INSERT INTO cache_clearing_commits VALUES ('201001010000.o0100001@repoman.freebsd.org');

  CREATE TABLE cache_clearing_files (id serial PRIMARY KEY, pathname text UNIQUE, date_added timestamp DEFAULT now());
  INSERT INTO cache_clearing_files (pathname) VALUES ('/ports/head/MOVED');`;

export const freshPortsQueueTables = [
  'cache_clearing_ports',
  'cache_clearing_dates',
  'cache_clearing_commits',
  'cache_clearing_files',
] as const;
