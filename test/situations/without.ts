import { once } from 'node:events';
import { renameSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { Situation } from './situation.ts';

/** Situations without a daemon. The first ones stop it. */
export const without: readonly Situation[] = [
  {
    name: 'no daemon, and nothing waits',
    async cause(at) {
      await at.stop();
      // Otherwise what a daemon reported last is shown. It takes that back at its end, if the server is quick.
      await at.query('DELETE FROM uncached.daemon');
    },
    says: /no daemon is connected: start it/,
    log: null,
  },
  {
    name: 'no daemon, and entries of known age wait',
    cause: (at) => at.enqueue(),
    says: /no daemon is connected: start it; listen_port lags/,
    log: null,
  },
  {
    name: 'no daemon, and a producer writes with a clock that is ahead',
    cause: (at) => at.query("UPDATE cache_clearing_ports SET date_added = now() + interval '1 hour'"),
    says: /no daemon is connected: start it; 2 entries wait for listen_port: their age is unknown/,
    log: null,
  },
  {
    name: 'no daemon, and `date_added` is of type time',
    cause: (at) =>
      at.query(
        'ALTER TABLE cache_clearing_ports ALTER date_added DROP DEFAULT, ALTER date_added TYPE time USING now()::time',
      ),
    says: /no daemon is connected: start it; 2 entries wait for listen_port: their age is unknown/,
    log: null,
  },
  {
    name: 'no daemon, and there is no `date_added`',
    cause: (at) => at.query('ALTER TABLE cache_clearing_ports DROP date_added'),
    says: /no daemon is connected: start it; 2 entries wait for listen_port: their age is unknown/,
    log: null,
    async mend(at) {
      await at.query('ALTER TABLE cache_clearing_ports ADD date_added timestamptz DEFAULT clock_timestamp()');
      await at.start();
    },
  },
  {
    name: 'the daemon is stopped (SIGSTOP)',
    cause: async (at) => process.kill(at.daemon.pid, 'SIGSTOP'),
    says: /it hangs, was suspended/,
    log: null,
    mend: async (at) => process.kill(at.daemon.pid, 'SIGCONT'),
  },
  {
    name: 'the daemon was killed while it had claimed entries',
    async cause(at) {
      renameSync(at.site.root, `${at.site.root}.away`);
      await at.query(
        "INSERT INTO cache_clearing_ports (category, port) VALUES ('a', 'b'); NOTIFY port_updated",
      );
      await at.daemon.until('alarm', ({ event, loop }) => event === 'loop-failed' && loop === 'root');
      await at.stop('SIGKILL');
      renameSync(`${at.site.root}.away`, at.site.root);
    },
    says: /no daemon is connected/,
    log: null,
    mend: (at) => at.start(),
  },
  {
    name: 'the daemon was started with a mistake in its configuration',
    async cause(at) {
      await at.stop();
      at.configure('lisen = 1');
      await at.spawn().ended;
    },
    says: /lisen is unknown/,
    log: null,
    async mend(at) {
      at.configure();
      await at.start();
    },
  },
  {
    name: 'the daemon was started, and may not read `listen_for`',
    async cause(at) {
      await at.stop();
      await at.query('REVOKE SELECT ON listen_for FROM uncached');
      await at.spawn().until('end', ({ event }) => event === 'fatal-error');
    },
    says: /fatal error: Cannot read the channels from listen_for: permission denied for table listen_for/,
    log: /listen_for.*exiting/,
    async mend(at) {
      await at.query('GRANT SELECT ON listen_for TO uncached');
      await at.start();
    },
  },
];

let taken: Server | undefined;

/** Clearing goes on but cannot be monitored. */
export const unseen: readonly Situation[] = [
  {
    name: 'the port of the page is taken (pages are cleared)',
    async cause(at) {
      await at.stop();
      taken = createServer((_, response) => response.destroy()).listen(at.port, '127.0.0.1');
      await once(taken, 'listening');
      await at.start();
    },
    says: /the port is taken/,
    goesOn: true,
    async mend() {
      taken?.close();
    },
  },
];
