import type { Situation } from './situation.ts';

const listensTo = (channel: string) => (line: { event: string; channels?: unknown }) =>
  line.event === 'listening' && JSON.stringify(line.channels).includes(`"${channel}"`);

/** Mistakes in `listen_for` or in the configuration. The daemon runs on. */
export const channels: readonly Situation[] = [
  {
    name: 'a channel asks for a handler that is not configured, and is notified',
    async cause(at) {
      await at.query("INSERT INTO listen_for (name, script_name) VALUES ('typo', 'listen_prot')");
      await at.daemon.until('LISTEN typo', listensTo('typo'));
      await at.query('NOTIFY typo');
    },
    says: /a notification came on typo and nothing was cleared: its handler "listen_prot" is not configured/,
    log: /"listen_prot", which is not configured/,
    mend: (at) => at.query("DELETE FROM listen_for WHERE name = 'typo'"),
  },
  {
    name: '`listen_for` is empty (the sweep goes on)',
    cause: (at) =>
      at.query('CREATE TABLE kept AS SELECT name, script_name FROM listen_for; DELETE FROM listen_for'),
    says: /no channel in listen_for wakes listen_port: only the sweep finds its entries/,
    log: /no channel in listen_for wakes the handler listen_port/,
    goesOn: true,
    mend: (at) => at.query('INSERT INTO listen_for (name, script_name) TABLE kept'),
  },
  {
    name: '`listen_for` was dropped while the daemon runs (its channels stay)',
    cause: (at) => at.query('ALTER TABLE listen_for RENAME TO elsewhere'),
    says: /listen_for: .*listen_for.* does not exist|listen_for: .*there is no table listen_for/,
    goesOn: true,
    mend: (at) => at.query('ALTER TABLE elsewhere RENAME TO listen_for'),
  },
  {
    name: '`listen_for` may not be read any more (its channels stay)',
    cause: (at) => at.query('REVOKE SELECT ON listen_for FROM uncached'),
    says: /listen_for: .*permission denied for table listen_for/,
    goesOn: true,
    mend: (at) => at.query('GRANT SELECT ON listen_for TO uncached'),
  },
  {
    name: 'SIGHUP found a mistake in the configuration (the old one stays)',
    async cause(at) {
      at.configure('lisen = 1');
      process.kill(at.daemon.pid, 'SIGHUP');
    },
    says: /lisen is unknown/,
    goesOn: true,
    async mend(at) {
      at.configure();
      process.kill(at.daemon.pid, 'SIGHUP');
    },
  },
];
