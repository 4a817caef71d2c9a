/**
 * SQL for when an entry was added, as timestamptz. Infinity and the ends of the calendar count as unknown:
 * PostgreSQL refuses to calculate with them, and such an entry would block the others. So does the future:
 * where the type is `timestamp`, a producer with another TimeZone wrote it; otherwise a clock was set back.
 * The minute allows for clocks that differ a little.
 */
export const addedAt = `CASE WHEN date_added BETWEEN '1900-01-01' AND statement_timestamp() + interval '1 minute' THEN date_added::timestamptz END`;

/**
 * The same for a `timestamp`, for a caller that has seen the queue empty: `seenEmpty` is SQL for when, in
 * seconds, or for NULL. An entry that claims to be older than that was written with a TimeZone further west:
 * its age is unknown. Zones differ by more than ten minutes; a transaction that was open then may have
 * written it up to that much earlier.
 */
export function addedSince(seenEmpty: string): string {
  return `CASE WHEN ${seenEmpty}::float8 IS NULL OR date_added >= (to_timestamp(${seenEmpty}::float8) - interval '10 minutes')::timestamp
               THEN ${addedAt} END`;
}

/** The server's clock, so that one clock measures both times. */
export const now = 'extract(epoch FROM statement_timestamp())::float8';
