import { usualTimings } from '../core/timings.ts';

/**
 * SQL for milliseconds between a stored time and the server's clock. The clock may have been set back since,
 * and a time written by hand may be infinite, with which PostgreSQL refuses to calculate: such a time is
 * limited to the present.
 */
export function elapsedMs(since: string): string {
  return `CASE WHEN ${since} > clock_timestamp() THEN 0
               WHEN ${since} > '-infinity' THEN extract(epoch FROM clock_timestamp() - ${since})::float8 * 1000 END`;
}

const { leastMs, mostMs } = usualTimings.retry;

/** When a row is tried again that has failed so many times. */
export const retryAfter = (attempts: string) =>
  `clock_timestamp() + least(${mostMs}, ${leastMs} * 2 ^ least(${attempts}, 30)) * interval '1 millisecond'`;

/** No row waits longer for its retry than the longest back-off, and a minute: one that would is due now. */
export const longestWait = `statement_timestamp() + ${mostMs} * interval '1 millisecond' + interval '1 minute'`;

/** Until the retry: null if the row does not wait, negative if it is due. */
export const retryMs = `CASE WHEN retry_at BETWEEN '1900-01-01' AND ${longestWait}
                             THEN extract(epoch FROM retry_at - clock_timestamp())::float8 * 1000
                             WHEN retry_at IS NOT NULL THEN 0 END`;
