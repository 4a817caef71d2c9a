import { dirname } from 'node:path';
import { fpListenFor, freshportsDirs } from '../fp-listen-ini.ts';
import type { Connection } from '../postgres/connection.ts';
import { iniFor, type Site } from '../site.ts';
import type { Situation } from './situation.ts';

const handlers = `
[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
run = /bin/false
`;

export const withCommand = (site: Site, connection: Connection, how: { more: string }) =>
  iniFor(site, connection, { ...how, handlers });

export const commands: readonly Situation[] = [
  {
    name: 'the command of a handler (`run`) fails each time',
    cause: (at) => at.enqueue(),
    says: /listen_port: nothing can be cleared: cannot run "\/bin\/false": it ended with 1/,
    log: /listen_port: \d+ rows? failing: .*\/bin\/false/,
  },
];

/** An fp-listen.ini without one of its paths. */
export const withoutDates = (site: Site, connection: Connection) =>
  fpListenFor(site, connection, freshportsDirs(dirname(site.root)).replace(/^DATE_CACHE_PATH.*\n/m, ''));

export const disabled: readonly Situation[] = [
  {
    name: 'a handler of an fp-listen.ini is disabled, and its table has entries',
    cause: (at) =>
      at.query("INSERT INTO cache_clearing_dates (date_to_clear) VALUES ('2020-01-03'); NOTIFY date_updated"),
    says: /listen_date_updated is disabled, and 1 entry waits for it: .*DATE_CACHE_PATH/,
    mend: (at) => at.query('TRUNCATE cache_clearing_dates'),
  },
];
