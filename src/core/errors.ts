/** Whatever was thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The system or PostgreSQL error code, such as ENOENT or 42P01. */
export function errorCode(thrown: unknown): string | undefined {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}

/**
 * Whether the database could not be reached or went away, rather than refused what was asked: the system's codes, SQLSTATE class 08,
 * 57P01 to 57P03 (shut down, crashed, starting up), or node-postgres' own words, which have no code.
 */
export function isOutage(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (
      /^(ECONN[A-Z]+|E(HOST|NET)[A-Z]+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_[A-Z]+|08\d{3}|57P0[1-3]|25006)$/.test(
        errorCode(cause) ?? '',
      )
    )
      return true;
    // A unix socket that is missing or forbidden; the same codes are a file's, too.
    if (/^(connect|getaddrinfo)$/.test((cause as NodeJS.ErrnoException).syscall ?? '')) return true;
    if (
      /connection (terminated|ended|timeout)|timeout expired|query read timeout|client has encountered a connection error/i.test(
        cause.message,
      )
    ) {
      return true;
    }
  }
  return false;
}

/** The message and those of its causes, outermost first. An AggregateError (a host with several addresses) tells its parts. */
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
