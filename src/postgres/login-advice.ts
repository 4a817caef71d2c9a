import { userInfo } from 'node:os';
import { quoteIdentifier } from './identifier.ts';

const socketMethod = 'or give the role a password and the method scram-sha-256 in pg_hba.conf';

/**
 * By PostgreSQL's message: a refused login has one of two codes (28000, 28P01). The first group is the name
 * of the role.
 */
const reasons: readonly (readonly [RegExp, (role: string, system: string) => string])[] = [
  [
    /^role "(.*)" is not permitted to log in/,
    (role) => `ALTER ROLE ${quoteIdentifier(role)} LOGIN, or correct user under [database]`,
  ],
  [
    /^role "(.*)" does not exist/,
    (role) => `correct user under [database], or make the role: ${making(role)}`,
  ],
  [
    /^Peer authentication failed for user "(.*)"/,
    (role, system) =>
      role === system
        ? `pg_hba.conf asks for peer with a map, in which pg_ident.conf does not have this user: add it there, ${socketMethod}`
        : `pg_hba.conf asks for peer over the socket: only the system's user ${role} may connect as this role, and this runs as ${system}: run it as that user, ${socketMethod}`,
  ],
  [
    /^Ident authentication failed for user "(.*)"/,
    () =>
      `pg_hba.conf asks an ident server who this is: there write scram-sha-256 instead of ident, and set password under [database]`,
  ],
  [
    /^no pg_hba.conf entry for .*\buser "(.*?)".*no encryption/,
    () =>
      'pg_hba.conf has no line for this user, database and address: add one, then SELECT pg_reload_conf(); if there is a line "hostssl", set "sslmode = require" under [database]',
  ],
  [
    /^no pg_hba.conf entry for .*\buser "(.*?)"/,
    () =>
      'pg_hba.conf has no line for this user, database and address: add one, then SELECT pg_reload_conf(); or correct user, dbname and host under [database]',
  ],
  [
    /^pg_hba.conf rejects .*\buser "(.*?)"/,
    () => 'a line "reject" of pg_hba.conf shuts this user out: put one that lets it in before that',
  ],
  [
    /certificate/i,
    () =>
      'pg_hba.conf asks for a certificate that is made out to this role: name it and its key in sslcert and sslkey under [database]',
  ],
  [/^empty password/, () => password],
  [
    /^password authentication failed for user "(.*)"/,
    (role) =>
      `${password}; if it is there already, the role has another or none: \\password ${quoteIdentifier(role)} in psql sets one`,
  ],
];

/** The schema creates a role of this name, to be granted to others or to be the daemon's own. */
const making = (role: string) =>
  role === 'uncached'
    ? 'pipe "uncached schema" into "psql -d DATABASE"; then ALTER ROLE uncached LOGIN'
    : `CREATE ROLE ${quoteIdentifier(role)} LOGIN; GRANT uncached TO ${quoteIdentifier(role)}`;

const password = 'set password under [database], or put it into ~/.pgpass';

/** What to do about a refused login. Undefined if the error is about something else. */
export function loginAdvice({ message }: Error, code: string, system = systemUser()): string | undefined {
  // These messages are node-postgres' own.
  if (/password must be a string|no password supplied/.test(message)) return password;
  if (code !== '28000' && code !== '28P01') return undefined;
  for (const [words, advice] of reasons) {
    const found = words.exec(message);
    if (!found) continue;
    const [, role = ''] = found;
    return `${role !== '' && role === system ? nameTaken(system) : ''}${advice(role, system)}`;
  }
  return (
    "the server does not let this role in, and its log says why: look at pg_hba.conf, and whether the role exists and has LOGIN (\\du in psql); this runs as the system's user " +
    `${system}, whose name is the role where user under [database] is not set`
  );
}

const nameTaken = (system: string) =>
  `${system} is who runs this, whose name is taken where user under [database] is not set: set it to the role of the daemon; else: `;

function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    // The user has no name in /etc/passwd.
    return `uid ${process.getuid?.()}`;
  }
}
