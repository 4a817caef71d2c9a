import { eventually } from '../faults/eventually.ts';
import type { Situation } from './situation.ts';

/** Locks of other sessions. */
export const locks: readonly Situation[] = [
  {
    name: 'somebody holds a lock on a queue table',
    async cause(at) {
      await at.hold('LOCK TABLE cache_clearing_dates IN ACCESS EXCLUSIVE MODE');
    },
    says: /listen_date_updated: Cannot claim from cache_clearing_dates: canceling statement due to lock timeout/,
    mend: (at) => at.release(),
  },
  {
    name: 'somebody holds a lock on the log',
    async cause(at) {
      await at.hold('LOCK TABLE uncached.log IN ACCESS EXCLUSIVE MODE');
      await at.enqueue();
    },
    says: /listen_port: Cannot claim from cache_clearing_ports: canceling statement due to lock timeout/,
    mend: (at) => at.release(),
  },
  {
    name: 'somebody holds the row that is locked to append to the log',
    async cause(at) {
      await at.hold('SELECT FROM uncached.log_lock FOR UPDATE');
      await at.enqueue();
    },
    says: /listen_port: Cannot claim from cache_clearing_ports: canceling statement due to lock timeout/,
    mend: (at) => at.release(),
  },
  {
    name: 'an open transaction holds the entries themselves',
    async cause(at) {
      process.kill(at.daemon.pid, 'SIGSTOP');
      await at.enqueue();
      await at.hold('SELECT FROM cache_clearing_ports FOR UPDATE');
      process.kill(at.daemon.pid, 'SIGCONT');
    },
    says: /listen_port lags/,
    mend: (at) => at.release(),
  },
  {
    name: 'rows settle for over an hour, behind a forgotten transaction',
    async cause(at) {
      await at.hold('SELECT pg_current_xact_id()');
      await at.enqueue();
      const age = `WITH rows AS (UPDATE uncached.log SET claimed_at = claimed_at - interval '2 hours'
                                FROM uncached.consumer WHERE log.id > settled_to AND log.id <= cleared_to RETURNING log.id)
                   SELECT FROM rows`;
      const aged = async () => (await at.query(age)).length > 0 || undefined;
      await eventually('rows that settle', aged, async () => JSON.stringify(at.log.slice(-5)));
    },
    says: /listen_port has been settling for over an hour: look for an old transaction in pg_stat_activity/,
    goesOn: true,
    mend: (at) => at.release(),
  },
];
