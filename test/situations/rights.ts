import type { Situation } from './situation.ts';

/** Rights or objects that the daemon lacks in the database. It runs on. */
export const rights: readonly Situation[] = [
  {
    name: 'DELETE on a queue table is not granted',
    async cause(at) {
      await at.query('REVOKE DELETE ON cache_clearing_ports FROM uncached');
      await at.enqueue();
    },
    says: /lacks DELETE: GRANT DELETE ON public.cache_clearing_ports TO/,
    mend: (at) => at.query('GRANT DELETE ON cache_clearing_ports TO uncached'),
  },
  {
    name: 'SELECT on a queue table is not granted',
    async cause(at) {
      await at.query('REVOKE SELECT ON cache_clearing_ports FROM uncached');
      await at.enqueue();
    },
    says: /lacks SELECT: GRANT SELECT ON public.cache_clearing_ports TO/,
    mend: (at) => at.query('GRANT SELECT ON cache_clearing_ports TO uncached'),
  },
  {
    name: 'a column that a template names was renamed',
    async cause(at) {
      await at.enqueue();
      await at.query('ALTER TABLE cache_clearing_ports RENAME category TO section; NOTIFY port_updated');
    },
    says: /queue table cache_clearing_ports has no column "category"/,
    mend: (at) => at.query('ALTER TABLE cache_clearing_ports RENAME section TO category'),
  },
  {
    name: 'a queue table was dropped',
    cause: (at) => at.query('ALTER TABLE cache_clearing_ports RENAME TO elsewhere; NOTIFY port_updated'),
    says: /cache_clearing_ports does not exist/,
    mend: (at) => at.query('ALTER TABLE elsewhere RENAME TO cache_clearing_ports'),
  },
  {
    name: 'row-level security hides the entries',
    async cause(at) {
      await at.query('ALTER TABLE cache_clearing_ports ENABLE ROW LEVEL SECURITY');
      await at.enqueue();
    },
    says: /row-level security hides its rows from the daemon/,
    mend: (at) => at.query('ALTER TABLE cache_clearing_ports DISABLE ROW LEVEL SECURITY'),
  },
  {
    name: 'a trigger of the queue table refuses every deletion',
    async cause(at) {
      await at.query(`
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'not mine'; END$$;
        CREATE TRIGGER refuse BEFORE DELETE ON cache_clearing_ports FOR EACH ROW EXECUTE FUNCTION refuse()`);
      await at.enqueue();
    },
    says: /listen_port: Cannot claim from cache_clearing_ports: not mine/,
    mend: (at) => at.query('DROP TRIGGER refuse ON cache_clearing_ports'),
  },
  {
    name: 'the log may not be used',
    async cause(at) {
      await at.query('REVOKE ALL ON uncached.log FROM uncached');
      await at.enqueue();
    },
    says: /permission denied for table log/,
    mend: (at) => at.query('GRANT SELECT, INSERT, DELETE ON uncached.log TO uncached'),
  },
  {
    name: 'the log was dropped',
    async cause(at) {
      await at.query('ALTER TABLE uncached.log RENAME TO elsewhere');
      await at.enqueue();
    },
    says: /relation "uncached.log" does not exist/,
    mend: (at) => at.query('ALTER TABLE uncached.elsewhere RENAME TO log'),
  },
];
