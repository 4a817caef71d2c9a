import { connectionsHeldText } from './connection-count.ts';
import { quoteIdentifier } from './identifier.ts';

/**
 * Whatever is exhausted, the code is the same (53300). Where messages are translated, the name of the server
 * routine that refuses distinguishes the cases.
 */
export function capacityAdvice({ message, routine }: Error & { routine?: unknown }, role = ''): string {
  const ofRole = /^too many connections for role "(.*)"$/.exec(message)?.[1];
  if (ofRole !== undefined || routine === 'InitializeSessionUserId')
    return `${connectionsHeldText}: ${roleLimit(ofRole ?? role)}`;
  const ofDatabase = /^too many connections for database "(.*)"$/.exec(message)?.[1];
  if (ofDatabase !== undefined || routine === 'CheckMyDatabase')
    return `${connectionsHeldText}: ${databaseLimit(ofDatabase)}`;
  if (/^sorry, too many clients already|^remaining connection slots are reserved/.test(message))
    return `${connectionsHeldText}: ${serverLimit}`;
  return `${connectionsHeldText}: raise what is exhausted: ${roleLimit(role)}; or ${databaseLimit(undefined)}; or ${serverLimit}`;
}

export const roleLimit = (role: string) =>
  `ALTER ROLE ${named(role)} CONNECTION LIMIT -1, which is none, or more`;

export const databaseLimit = (database: string | undefined) =>
  `ALTER DATABASE ${named(database)} CONNECTION LIMIT -1, which is none, or more`;

const serverLimit =
  'raise max_connections in postgresql.conf and restart PostgreSQL, or stop other clients (pg_stat_activity has them)';

const named = (name = '') => (name === '' ? '…' : quoteIdentifier(name));
