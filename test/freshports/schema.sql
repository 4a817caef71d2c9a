-- A database like that of FreshPorts, for tests: its tables as far as a cache is concerned, its roles and their rights, and
-- triggers in each of its styles. Of our own writing; test/freshports/site.ts runs it on a server of its own.

CREATE ROLE listening LOGIN;  -- the daemon
CREATE ROLE commits   LOGIN;  -- what reads the commits in
CREATE ROLE www       LOGIN;  -- the web site
CREATE ROLE reporting LOGIN;  -- Nagios

CREATE TABLE listen_for (
  id          serial PRIMARY KEY,
  name        text NOT NULL,
  script_name text NOT NULL
);
CREATE UNIQUE INDEX listen_for_name_idx ON listen_for (name);
INSERT INTO listen_for VALUES
  (5,  'date_updated',         'listen_date_updated'),
  (6,  'port_updated',         'listen_port'),
  (7,  'ports_moved',          'listen_ports_moved'),
  (8,  'ports_updating',       'listen_ports_updating'),
  (10, 'vuxml',                'listen_vuxml'),
  (11, 'category_new',         'listen_category_new'),
  (12, 'packages_cache_clear', 'ClearPackagesCache'),  -- junk: nothing has ever had this script_name
  (13, 'packages_imported',    'listen_packages_imported'),
  (14, 'commit_updated',       'listen_commit'),
  (15, 'file_updated',         'listen_file_updated');
SELECT setval('listen_for_id_seq', 15);

-- The data.

CREATE TABLE categories (id serial PRIMARY KEY, name text NOT NULL UNIQUE, is_primary boolean NOT NULL DEFAULT true);
CREATE TABLE ports (
  id                integer PRIMARY KEY,
  category_id       integer NOT NULL REFERENCES categories,
  name              text NOT NULL,
  short_description text
);
-- The virtual categories of a port (kde, wayland): they have a page, and no directory below ports/.
CREATE TABLE ports_categories (
  port_id     integer NOT NULL REFERENCES ports ON DELETE CASCADE,
  category_id integer NOT NULL REFERENCES categories,
  PRIMARY KEY (port_id, category_id)
);
CREATE TABLE people (id serial PRIMARY KEY, login text NOT NULL, name text);
CREATE TABLE commit_log (
  id          serial PRIMARY KEY,
  message_id  text NOT NULL,  -- a Git hash, or the Message-ID of the Subversion years
  commit_date timestamp,
  people_id   integer REFERENCES people,
  description text
);
CREATE TABLE commit_log_elements (commit_log_id integer NOT NULL REFERENCES commit_log, pathname text NOT NULL);
CREATE TABLE ports_moved (from_port text, to_port text);
CREATE TABLE ports_updating (port text, content text);
CREATE TABLE vuxml (id serial PRIMARY KEY, vid text NOT NULL);
CREATE TABLE vuxml_affected (vuxml_id integer REFERENCES vuxml, port_id integer REFERENCES ports);
CREATE TABLE packages_import (imported timestamp DEFAULT now());

-- The queue tables, in their present generation.

CREATE TABLE cache_clearing_ports (
  id         serial PRIMARY KEY,
  port_id    integer NOT NULL REFERENCES ports ON UPDATE CASCADE ON DELETE CASCADE,
  category   text,
  port       text,
  date_added timestamp WITHOUT TIME ZONE DEFAULT now(),
  CONSTRAINT cache_clearing_ports_category_port_idx UNIQUE (category, port)
);
CREATE SEQUENCE cache_clearing_dates_id_seq;
CREATE TABLE cache_clearing_dates (
  id            integer NOT NULL DEFAULT nextval('cache_clearing_dates_id_seq'),
  date_to_clear date,
  date_added    timestamp WITHOUT TIME ZONE DEFAULT now()
);
CREATE TABLE cache_clearing_commits (
  commit_to_clear text PRIMARY KEY,
  date_added      timestamp WITHOUT TIME ZONE DEFAULT now()
);
CREATE TABLE cache_clearing_files (
  id         serial PRIMARY KEY,
  pathname   text UNIQUE,
  date_added timestamp WITHOUT TIME ZONE DEFAULT now()
);

-- ON CONFLICT, and NOTIFY only if an entry went in: one for each category that the port is in.
CREATE FUNCTION ports_stale() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  entries integer;
BEGIN
  INSERT INTO cache_clearing_ports (port_id, category, port)
  SELECT NEW.id, c.name, NEW.name
    FROM categories AS c
   WHERE c.id = NEW.category_id
      OR c.id IN (SELECT category_id FROM ports_categories WHERE port_id = NEW.id)
  ON CONFLICT (category, port) DO NOTHING;
  GET DIAGNOSTICS entries = ROW_COUNT;
  IF entries > 0 THEN
    NOTIFY port_updated;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER ports_stale AFTER INSERT OR UPDATE ON ports FOR EACH ROW EXECUTE FUNCTION ports_stale();

-- A plain INSERT for the date; WHERE NOT EXISTS, and NOTIFY whether or not, for the commit.
CREATE FUNCTION commit_log_stale() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO cache_clearing_dates (date_to_clear) VALUES (NEW.commit_date);
  NOTIFY date_updated;
  INSERT INTO cache_clearing_commits (commit_to_clear)
  SELECT NEW.message_id
   WHERE NOT EXISTS (SELECT FROM cache_clearing_commits WHERE commit_to_clear = NEW.message_id);
  NOTIFY commit_updated;
  RETURN NULL;
END
$$;
CREATE TRIGGER commit_log_stale AFTER INSERT OR UPDATE ON commit_log FOR EACH ROW EXECUTE FUNCTION commit_log_stale();

-- WHERE NOT EXISTS, and NOTIFY only if an entry went in.
CREATE FUNCTION commit_log_elements_stale() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO cache_clearing_files (pathname)
  SELECT NEW.pathname
   WHERE NOT EXISTS (SELECT FROM cache_clearing_files WHERE pathname = NEW.pathname);
  IF FOUND THEN
    NOTIFY file_updated;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER commit_log_elements_stale AFTER INSERT ON commit_log_elements
  FOR EACH ROW EXECUTE FUNCTION commit_log_elements_stale();

-- INSERT without NOTIFY.
CREATE FUNCTION vuxml_affected_stale() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO cache_clearing_ports (port_id, category, port)
  SELECT p.id, c.name, p.name
    FROM ports AS p JOIN categories AS c ON c.id = p.category_id
   WHERE p.id = NEW.port_id
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
CREATE TRIGGER vuxml_affected_stale AFTER INSERT ON vuxml_affected FOR EACH ROW EXECUTE FUNCTION vuxml_affected_stale();

CREATE FUNCTION people_stale() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO cache_clearing_commits (commit_to_clear)
  SELECT message_id FROM commit_log WHERE people_id = NEW.id
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
CREATE TRIGGER people_stale AFTER UPDATE ON people FOR EACH ROW EXECUTE FUNCTION people_stale();

-- NOTIFY without an entry; the channel is the argument.
CREATE FUNCTION notify_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE 'NOTIFY ' || quote_ident(TG_ARGV[0]);
  RETURN NULL;
END
$$;
CREATE TRIGGER category_new AFTER INSERT ON categories FOR EACH ROW EXECUTE FUNCTION notify_only('category_new');
CREATE TRIGGER ports_moved AFTER INSERT ON ports_moved FOR EACH STATEMENT EXECUTE FUNCTION notify_only('ports_moved');
CREATE TRIGGER ports_updating AFTER INSERT ON ports_updating FOR EACH STATEMENT EXECUTE FUNCTION notify_only('ports_updating');
CREATE TRIGGER vuxml AFTER INSERT ON vuxml FOR EACH ROW EXECUTE FUNCTION notify_only('vuxml');
CREATE TRIGGER packages_import AFTER INSERT ON packages_import
  FOR EACH STATEMENT EXECUTE FUNCTION notify_only('packages_imported');

-- The rights. Whoever works with the data has it all; the queue tables are told one by one.

GRANT SELECT, INSERT, UPDATE, DELETE ON categories, ports, ports_categories, people, commit_log, commit_log_elements,
  ports_moved, ports_updating, vuxml, vuxml_affected, packages_import TO commits, www;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO commits, www;
GRANT SELECT ON listen_for TO listening;
GRANT SELECT, DELETE ON cache_clearing_ports, cache_clearing_dates, cache_clearing_commits, cache_clearing_files TO listening;
GRANT SELECT, INSERT, UPDATE ON cache_clearing_ports, cache_clearing_dates, cache_clearing_commits, cache_clearing_files TO commits;
GRANT SELECT, INSERT ON cache_clearing_ports, cache_clearing_dates, cache_clearing_commits, cache_clearing_files TO www;
GRANT SELECT ON cache_clearing_ports, cache_clearing_dates, cache_clearing_commits, cache_clearing_files TO reporting;

-- What the tests' pages show. The queue tables begin empty.

INSERT INTO categories (id, name, is_primary) VALUES (1, 'www', true), (2, 'devel', true), (3, 'x11', true), (4, 'kde', false);
SELECT setval('categories_id_seq', 4);
INSERT INTO ports VALUES
  (1, 1, 'nginx',    'a web server'),
  (2, 1, 'apache24', 'another web server'),
  (3, 2, 'nginx',    'a namesake'),
  (53108, 3, 'plasma', 'a desktop');
INSERT INTO ports_categories VALUES (53108, 4);
INSERT INTO people VALUES (1, 'dvl', 'Dan');
INSERT INTO commit_log (id, message_id, commit_date, people_id) VALUES
  (1, 'b1f9d52c0a5e', '2020-01-03 10:00', 1),
  (2, '200801031415.m03EFxyz012345@repoman.freebsd.org', '2008-01-03 14:15', NULL);
SELECT setval('commit_log_id_seq', 2);
TRUNCATE cache_clearing_ports, cache_clearing_dates, cache_clearing_commits, cache_clearing_files;
