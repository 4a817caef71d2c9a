import type { DatabaseTimings } from '../core/timings.ts';

/**
 * The first settings of each session of ours. By SET, since poolers refuse unknown start-up parameters.
 *
 * A function or operator in a schema of the search_path may fit our arguments better than PostgreSQL's own,
 * and would run with our rights; until PostgreSQL 14 every role may create one in `public`. So the session
 * works with `pg_catalog` alone (temporary tables last) and with qualified names. It remembers the schemas
 * that the role would search, for the tables that the operator names (relation.ts). Until the path is set,
 * every call is qualified.
 */
const searchPath = `
  RESET search_path;
  SELECT pg_catalog.set_config('uncached.search_path', pg_catalog.current_schemas(false)::pg_catalog.text, false);
  SET search_path = pg_catalog, pg_temp`;

/**
 * Settings that an administrator may have made for the role or the database, and that would break us.
 *
 * - default_transaction_*: claims write, and their protocol is made for READ COMMITTED.
 * - row_security: rows that a policy hides are an error instead of a queue that looks empty.
 * - standard_conforming_strings: a backslash in our literals is a backslash.
 * - quote_all_identifiers: names of types and functions would come in quotes, and would be taken for others.
 * - idle_…, transaction_timeout (from 17): our sessions are idle as long as nothing changes. The listener
 *   never sends anything.
 */
const overridden = `
  SET default_transaction_read_only = off;
  SET default_transaction_isolation = 'read committed';
  SET default_transaction_deferrable = off;
  SET row_security = off;
  SET standard_conforming_strings = on;
  SET quote_all_identifiers = off;
  SET idle_session_timeout = 0;
  SET idle_in_transaction_session_timeout = 0;
  SELECT set_config('transaction_timeout', '0', false) WHERE current_setting('transaction_timeout', true) IS NOT NULL`;

/**
 * - datestyle: keys are text, and templates read dates as ISO.
 * - synchronous_commit: if a crash of the server loses a claim, the entry is back in the queue. So waiting
 *   for the disk gains nothing, and it is most of a claim's latency.
 * - plan_cache_mode, jit: the same statement runs again and again and needs only one plan.
 * - enable_seqscan, enable_bitmapscan: the server believes that a queue table and the log are empty, as they
 *   nearly always are. With a plan made for that, each statement that takes a part of a backlog would read all
 *   that is left: 100 ms for 20,000 entries, against 5.
 * - lock_timeout, statement_timeout: others never wait long for us, nor we for them. Shorter than
 *   query_timeout (core/timings.ts), so that the server gives up first and the connection stays usable.
 * - client_encoding: an SQL_ASCII server refuses a UTF8 client a whole result because of one byte that is not
 *   UTF-8, and so one entry would block its queue for ever (json.ts reads such bytes).
 */
const ours = ({ lockMs, statementMs }: DatabaseTimings) => `
  SET datestyle = 'ISO, YMD';
  SET synchronous_commit = off;
  SET plan_cache_mode = force_generic_plan;
  SET jit = off;
  SET enable_seqscan = off;
  SET enable_bitmapscan = off;
  SET lock_timeout = ${lockMs};
  SET statement_timeout = ${statementMs};
  SELECT set_config('client_encoding', 'SQL_ASCII', false) WHERE current_setting('server_encoding') = 'SQL_ASCII'`;

/** For the sessions that work: the first message they send. */
export const workingSession = (timings: DatabaseTimings) => [searchPath, overridden, ours(timings)].join(';');

/**
 * For the sessions that ask functions of others (dependents.ts). They only read, which also binds what such a
 * function calls; and the plans in it are made as the administrator has set it up.
 */
export const askingSession = (timings: DatabaseTimings) =>
  [
    workingSession(timings),
    'SET default_transaction_read_only = on',
    'RESET enable_seqscan',
    'RESET enable_bitmapscan',
    'RESET plan_cache_mode',
  ].join(';');

/**
 * For the session that only listens. A payload that the server cannot convert would be an error that ends the
 * session, and anybody may send one. So nothing is converted if that leaves the names of the channels as they
 * are.
 */
export function listeningSession(channels: readonly string[]): string {
  const ascii = channels.every((channel) => /^[\x00-\x7f]*$/.test(channel));
  const unconverted = `
    SELECT set_config('client_encoding', 'SQL_ASCII', false)
    WHERE ${ascii} OR current_setting('server_encoding') IN ('SQL_ASCII', 'UTF8')`;
  return [searchPath, overridden, unconverted].join(';');
}
