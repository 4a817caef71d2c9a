/** Any thrown value as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The system or PostgreSQL error code, such as ENOENT or 42P01. */
export function errorCode(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/**
 * The code of an error that reports a lost connection. Its cause is a broken pipe, which is also the error of
 * a connection that is gone.
 */
export const workerDied = 'EWORKER';

/** A target is down, which was reported when it began: its loops fail for as long as that lasts. */
export class TargetDownError extends Error {}

/**
 * Whether the database could not be reached or went away, rather than refusing the request: the system's
 * codes, SQLSTATE class 08, 57P01 to 57P03 and 57P05 (shut down, crashed, starting up, idle for too long), or
 * node-postgres' own messages, which have no code.
 */
export function isOutage(error: unknown): boolean {
  // Its words are those of another server.
  if (error instanceof TargetDownError) return false;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (errorCode(cause) === workerDied) return false;
    if (
      /^(ECONN[A-Z]+|E(HOST|NET)[A-Z]+|EPIPE|ETIMEDOUT|ENOTFOUND|ECERTIFICATE|EAI_[A-Z]+|08\d{3}|57P0[1-35]|25006)$/.test(
        errorCode(cause) ?? '',
      )
    )
      return true;
    // A unix socket that is missing or forbidden; a file can have the same codes.
    if (/^(connect|getaddrinfo)$/.test((cause as NodeJS.ErrnoException).syscall ?? '')) return true;
    if (
      /connection (terminated|ended|timeout)|timeout (expired|exceeded when trying to connect)|query read timeout|client has encountered a connection error/i.test(
        cause.message,
      )
    ) {
      return true;
    }
  }
  return false;
}

/** Whether a statement gave up since others hold a lock: nothing is wrong with the statement. */
export function isLocked(error: unknown): boolean {
  return errorCode(error) === '55P03';
}

/** Work that a stop has ended before it began. It stays where it is, and its cause was reported already. */
export class StoppingError extends Error {
  constructor() {
    super('Cannot clear: uncached is stopping, and root is not known to be the cache');
  }
}

/**
 * The message and those of its causes, outermost first. An AggregateError (a host with several addresses)
 * lists its parts.
 */
export function explain(error: Error): string {
  const parts: string[] = [];
  for (let cause: unknown = error; cause !== undefined && parts.length < 5; cause = (cause as Error).cause) {
    const text =
      cause instanceof AggregateError
        ? cause.errors.map((one) => explain(toError(one))).join('; ')
        : toError(cause).message;
    if (text && !parts.some((part) => part.includes(text))) parts.push(text);
  }
  return parts.join(': ');
}

/** Bad configuration or usage: every problem at once, each a sentence that says what to do. Exit code 2. */
export class UsageError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'UsageError';
    this.problems = problems;
  }
}
