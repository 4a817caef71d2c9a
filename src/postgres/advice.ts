import { errorCode, explain, toError } from '../core/errors.ts';
import { capacityAdvice } from './capacity-advice.ts';
import { quoteIdentifier } from './identifier.ts';
import { loginAdvice } from './login-advice.ts';
import { rightsAdvice } from './rights-advice.ts';

const install =
  'install the schema, as the administrator of the database: pipe "uncached schema" into "psql -d DATABASE", or "uncached schema --journal-only" where the queue tables exist already';
const unknownHost = 'the name of the host under [database], or in PGHOST, cannot be resolved';
const unknownAuthority = 'name the authority that signed the certificate in sslrootcert under [database]';

/** What the operator can do about an error, by PostgreSQL's or the system's code. */
const advice: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: is PostgreSQL running, are host and port under [database] right?',
  ENOENT: 'there is no such socket: is PostgreSQL running, is host under [database] its socket directory?',
  ENOTFOUND: unknownHost,
  EAI_AGAIN: unknownHost,
  ETIMEDOUT: 'the server does not answer, or the name server: is a firewall in between?',
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  ERR_TLS_CERT_ALTNAME_INVALID:
    'host under [database] must be a name that the certificate is made out to; "sslmode = verify-ca" takes any',
  CERT_HAS_EXPIRED: "renew the server's certificate",
  '3D000': 'correct dbname under [database]',
  '3F000': install,
  '42P01': install,
  '42703':
    'a column is missing: of a queue table "uncached check" names it; the tables of the schema uncached are as "uncached schema --journal-only" prints them',
  '25006':
    'this server is a standby or read-only, where LISTEN and writing are impossible: name the primary under [database], or promote it',
  '55P03': 'somebody holds a lock on the table for long: see pg_locks',
};

/** An error that says what could not be done, why, and what to do; it keeps the cause and its code. */
export function withAdvice(what: string, thrown: unknown): Error {
  const cause = toError(thrown);
  const code = errorCode(cause);
  const hint = adviceFor(cause);
  const message = messageOf(cause);
  // The message is not repeated if it is there already.
  const isRepeated = hint === undefined || message.endsWith(`(${hint})`);
  const error = new Error(`${what}: ${message}${isRepeated ? '' : ` (${hint})`}`, { cause });
  return code === undefined ? error : Object.assign(error, { code });
}

/** The statement, with errors that say what could not be done and what to do. `what` follows the word "Cannot". */
export function advised<Arguments extends unknown[], Result>(
  what: string,
  statement: (...values: Arguments) => Promise<Result>,
): (...values: Arguments) => Promise<Result> {
  return (...values) =>
    statement(...values).catch((error) => {
      throw withAdvice(`Cannot ${what}`, error);
    });
}

/** Its message already says what the operator can do. */
export class AdvisedError extends Error {
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.name = 'AdvisedError';
    this.code = code;
  }
}

/** PostgreSQL refuses to leave out rows that a policy hides (session.ts). */
export function hiddenRows(table = '…', role = '…'): string {
  return `row-level security hides its rows from the daemon: ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY, or ALTER ROLE ${role} BYPASSRLS`;
}

/** An error of a session, with its role. */
export function asRole(thrown: unknown, role: string | undefined): unknown {
  return thrown instanceof Error && role !== undefined ? Object.assign(thrown, { role }) : thrown;
}

export function roleOf(error: Error): string | undefined {
  const { role } = error as { role?: unknown };
  return typeof role === 'string' ? role : undefined;
}

function adviceFor(error: Error): string | undefined {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof AdvisedError) return undefined;
  // PostgreSQL uses some codes for different things, which only its message distinguishes.
  const inner = innermost(error);
  const { message } = inner;
  const code = errorCode(inner) ?? '';
  // node-postgres' own messages.
  if (
    /timeout expired|connection timeout|timeout exceeded when trying|query read timeout/i.test(explain(error))
  )
    return advice.ETIMEDOUT;
  // Our own messages name the tables and the role themselves.
  const hidden = /row-level security policy for table "(.*)"|row-level security/.exec(message);
  if (hidden && code === '42501') {
    const role = roleOf(inner);
    return hiddenRows(hidden[1] && quoteIdentifier(hidden[1]), role && quoteIdentifier(role));
  }
  if (/does not support SSL/.test(message))
    return 'set "sslmode = disable" under [database] if plain text is meant';
  if (/^unrecognized configuration parameter/.test(message)) return 'correct PGOPTIONS in the environment';
  if (code === '42501') return rightsAdvice(inner, roleOf(inner));
  if (code === '53300') return capacityAdvice(inner, roleOf(inner));
  return loginAdvice(inner, code) ?? advice[code];
}

/** Uses the server's own message: the errors around it have the same code. */
function innermost(error: Error): Error {
  let inner = error;
  while (inner.cause instanceof Error && errorCode(inner.cause) === errorCode(error)) inner = inner.cause;
  return inner;
}

/** PostgreSQL's own message depends on what was tried first, and reading succeeds there. */
export function standbyError(): Error {
  return Object.assign(new Error('the server is in recovery'), { code: '25006' });
}

/** A host with several addresses gives one error for each. */
function messageOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map((one) => toError(one).message).join('; ');
  return error.message;
}

/** Waiting does not fix these: somebody has to change the configuration, a grant or the schema. */
export function isPermanent(thrown: unknown): boolean {
  const code = errorCode(thrown) ?? '';
  if (/does not support SSL|password must be a string/.test(toError(thrown).message)) return true;
  return ['28P01', '28000', '3D000', '3F000', '42P01', '42703', '42501'].includes(code);
}

/** The table or its schema does not exist, or the role may not use it. */
export function isUnusable(error: unknown): boolean {
  return ['42P01', '3F000', '42501'].includes(errorCode(error) ?? '');
}
