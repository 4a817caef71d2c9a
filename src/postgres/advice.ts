import { errorCode, toError } from '../core/errors.ts';

const unknownAuthority = 'name the authority that signed the certificate in sslrootcert under [database]';

/** What the operator can do about an error, by PostgreSQL's or the system's code. */
const advice: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: is PostgreSQL running, are host and port under [database] right?',
  ENOENT: 'there is no such socket: is PostgreSQL running, is host under [database] its socket directory?',
  ENOTFOUND: 'the name of the host under [database] cannot be resolved',
  ETIMEDOUT: 'the server does not answer: is a firewall in between?',
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  ERR_TLS_CERT_ALTNAME_INVALID:
    'host under [database] must be a name that the certificate is made out to; "sslmode = verify-ca" takes any',
  CERT_HAS_EXPIRED: "renew the server's certificate",
  '28P01': 'set password under [database], or put it into ~/.pgpass',
  '28000': 'pg_hba.conf does not let this user in from here',
  '3D000': 'correct dbname under [database]',
  '3F000': 'install the schema: uncached schema | psql',
  '42P01': 'install the schema: uncached schema | psql',
  '42703': 'the table has changed: compare it with "uncached schema"',
  '42501':
    'grant the missing right: GRANT uncached TO the daemon\'s role ("uncached schema" has every grant)',
  '25006':
    'this server is a standby or read-only, where LISTEN and writing are impossible: name the primary under [database], or promote it',
  '53300': 'the server is out of connections: raise max_connections or stop other clients',
  '55P03': 'somebody holds a lock on the table for long: see pg_locks',
};

/** An error that says what could not be done, why, and what to do; its cause and code are kept. */
export function withAdvice(what: string, thrown: unknown): Error {
  const cause = toError(thrown);
  const code = errorCode(cause);
  const hint = adviceFor(cause);
  const error = new Error(`${what}: ${messageOf(cause)}${hint ? ` (${hint})` : ''}`, { cause });
  return code === undefined ? error : Object.assign(error, { code });
}

function adviceFor(error: Error): string | undefined {
  if (/does not support SSL/.test(error.message))
    return 'set "sslmode = disable" under [database] if plain text is meant';
  if (/password must be a string|no password supplied/i.test(error.message)) return advice['28P01'];
  return advice[errorCode(error) ?? ''];
}

/** PostgreSQL's own words differ with what was tried first, and reading succeeds there. */
export function standbyError(): Error {
  return Object.assign(new Error('the server is in recovery'), { code: '25006' });
}

/** A host with several addresses fails with one error for each. */
function messageOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((one) => toError(one).message).join('; ');
  return error.message;
}

/** Waiting does not mend these: somebody has to change the configuration, a grant or the schema. */
export function isPermanent(thrown: unknown): boolean {
  const code = errorCode(thrown) ?? '';
  if (/does not support SSL|password must be a string/.test(toError(thrown).message)) return true;
  return ['28P01', '28000', '3D000', '3F000', '42P01', '42703', '42501'].includes(code);
}
