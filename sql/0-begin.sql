-- "uncached schema" prints the files of this directory as one transaction: it is installed as a whole or not at
-- all. This file begins the transaction and the others rely on that, so do not run one of them alone. The
-- installation is safe to repeat. It needs PostgreSQL 14 or newer, and a role that may create roles, and schemas in
-- this database: that role will own what it creates.

BEGIN;

-- What others have committed while it waited for a lock must be seen, whatever is usual in this database.
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;

-- From here to COMMIT only PostgreSQL's own objects are found by name. Until PostgreSQL 14, and in every database
-- upgraded from it, each role may create functions, operators, types and casts in public. PostgreSQL prefers one of
-- these if it fits the arguments better: it would run with the rights of the role that runs this file. Your
-- search_path chooses the schema of listen_for, and nothing else.
DO $$
BEGIN
  PERFORM pg_catalog.set_config('uncached.home', pg_catalog.concat(pg_catalog.current_schema()), true);
END
$$;
SET LOCAL search_path = pg_catalog, pg_temp;

-- Repeated, it does not name everything that is there already.
SET LOCAL client_min_messages = warning;

-- Another role that may create schemas could have created this one. Functions in it would stay that role's when they
-- are replaced.
DO $$
DECLARE
  owner name := (SELECT r.rolname
                   FROM pg_namespace AS n
                   JOIN pg_roles AS r ON r.oid = n.nspowner
                  WHERE n.nspname = 'uncached' AND r.rolname <> current_user AND NOT r.rolsuper);
BEGIN
  IF owner IS NOT NULL THEN
    RAISE insufficient_privilege USING
      MESSAGE = format('Cannot install into schema uncached: it belongs to role %I, which is neither %I nor a superuser',
                       owner, current_user),
      HINT    = format('If that is the role that installed uncached, run this as that role: SET ROLE %I. '
                       'Otherwise drop the schema, or ALTER SCHEMA uncached RENAME TO another name.', owner);
  END IF;
END
$$;
