import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Connection, withClient } from '../postgres/connection.ts';
import type { LaunchedServer } from '../postgres/launch.ts';
import type { Situation } from './situation.ts';
import type { Stand } from './stand.ts';

const postgres = (server: Connection, sql: string) => withClient(server, (client) => client.query(sql));

const endSessions = (at: Stand) =>
  `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${at.role}'`;

/** Problems of PostgreSQL, or of the daemon's right to connect. */
export const serverSituations = (server: () => LaunchedServer): readonly Situation[] => [
  {
    name: 'PostgreSQL is down',
    cause: () => server().kill(),
    says: /is PostgreSQL running/,
    either: true,
    mend: () => server().restart(),
  },
  {
    name: "the daemon's role may not log in any more",
    cause: (at) => at.query(`ALTER ROLE ${at.role} NOLOGIN; ${endSessions(at)}`),
    says: /is not permitted to log in/,
    either: true,
    mend: (at) => at.query(`ALTER ROLE ${at.role} LOGIN`),
  },
  {
    name: 'no more connections are allowed',
    cause: (at) => at.query(`ALTER ROLE ${at.role} CONNECTION LIMIT 0; ${endSessions(at)}`),
    says: /too many connections for role/,
    either: true,
    mend: (at) => at.query(`ALTER ROLE ${at.role} CONNECTION LIMIT -1`),
  },
  {
    name: 'the database takes no connections',
    cause: (at) =>
      postgres(server(), `ALTER DATABASE ${at.database.name} ALLOW_CONNECTIONS false; ${endSessions(at)}`),
    says: /is not currently accepting connections/,
    either: true,
    mend: (at) => postgres(server(), `ALTER DATABASE ${at.database.name} ALLOW_CONNECTIONS true`),
  },
  {
    name: 'the server is a standby now',
    async cause() {
      writeFileSync(join(server().host, 'data/standby.signal'), '');
      await server().restart();
    },
    says: /this server is a standby or read-only/,
    either: true,
    async mend() {
      rmSync(join(server().host, 'data/standby.signal'));
      await server().restart();
    },
  },
  {
    name: 'the password has changed, and the daemon was started again',
    async cause(at) {
      await at.query(`ALTER ROLE ${at.role} PASSWORD 'another'`);
      writeFileSync(
        join(server().host, 'data/pg_hba.conf'),
        `local all ${at.role} scram-sha-256\nlocal all all trust\n`,
      );
      await at.query('SELECT pg_reload_conf()');
      await at.stop();
      await at.spawn().until('end', ({ event }) => event === 'fatal-error');
    },
    says: /set password under \[database\]/,
    async mend(at) {
      writeFileSync(join(server().host, 'data/pg_hba.conf'), 'local all all trust\n');
      await at.query('SELECT pg_reload_conf()');
      at.spawn();
    },
  },
];

/** Problems between the daemon and PostgreSQL. */
export const network: readonly Situation[] = [
  {
    name: 'the connections are half-open: nothing is refused, nothing comes',
    cause: async (at) => at.proxy.freeze('all'),
    says: /the server does not answer/,
    either: true,
    mend: (at) => at.proxy.heal(),
  },
  {
    name: 'only the listening connection receives nothing (the sweep goes on)',
    cause: async (at) => at.proxy.freeze('listener'),
    says: /not listening/,
    log: /Cannot listen: /,
    either: true,
    goesOn: true,
    mend: (at) => at.proxy.heal(),
  },
];
