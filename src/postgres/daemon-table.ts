import { hostname } from 'node:os';
import type { DaemonRegistry, SeenDaemon } from '../core/daemon-registry.ts';
import type { Problem } from '../core/daemon-status.ts';
import { errorCode, isOutage, toError } from '../core/errors.ts';
import { printable } from '../core/printable-text.ts';
import type { Turns } from '../core/turns.ts';
import { isUnusable, roleOf, withAdvice } from './advice.ts';
import { elapsedMs } from './elapsed-time.ts';
import { quoteIdentifier } from './identifier.ts';
import type { Pool } from './pool.ts';
import { daemonSessions, everyListener, sessionsOf } from './session-name.ts';

interface DaemonTableOptions {
  readonly pool: Pool;
  readonly owner: string;
  /** A daemon that does not report for this long counts as hanging. */
  readonly silentMs: number;
  /** Called once if the table is missing or may not be used. */
  readonly onMissing: (advice: string) => void;
}

/** `uncached.daemon`. */
export function openDaemonTable({ onMissing, ...options }: DaemonTableOptions): DaemonRegistry {
  let missing = false;
  return {
    async report(problems, how) {
      try {
        await report({ ...options, ...how }, problems);
        missing = false;
      } catch (error) {
        if (!isUnusable(error)) throw withAdvice('Cannot write to uncached.daemon', error);
        if (!missing)
          onMissing(
            `${whyMissing('write to', error)}; until then "uncached status" cannot know what troubles the daemon`,
          );
        missing = true;
      }
    },
    async leave() {
      if (!missing) await options.pool.query('DELETE FROM uncached.daemon WHERE owner = $1', [options.owner]);
    },
    list: (turns = (work) => work()) => list(options.pool, turns),
  };
}

/** An installation from before this table has none. */
function whyMissing(what: 'read' | 'write to', error: unknown): string {
  if (errorCode(error) === '42501') {
    const message = withAdvice(`Cannot ${what} uncached.daemon`, error).message;
    const role = roleOf(toError(error));
    // A command that only reads needs no more rights than that.
    if (what === 'write to' || role === undefined || !message.includes(' for table ')) return message;
    const remedy = `GRANT SELECT ON uncached.daemon TO ${quoteIdentifier(role)}`;
    return `Cannot read uncached.daemon: ${toError(error).message} (${remedy}; what the daemon's role lacks, "uncached check" prints)`;
  }
  return 'table uncached.daemon does not exist: pipe "uncached schema --journal-only" into "psql -d DATABASE"';
}

/** Rows of other daemons are deleted when they have no session and are not about to get one again. */
async function report(
  { pool, owner, silentMs }: Pick<DaemonTableOptions, 'pool' | 'owner' | 'silentMs'>,
  problems: readonly Problem[],
): Promise<void> {
  await pool.query({
    name: 'uncached_report',
    text: `
      WITH sessions AS MATERIALIZED (${daemonSessions}), gone AS (
        DELETE FROM uncached.daemon AS daemon
        WHERE owner <> $1 AND silent_at < clock_timestamp()
          AND NOT EXISTS (SELECT FROM sessions WHERE name IN ${sessionsOf('daemon.owner')}))
      INSERT INTO uncached.daemon AS daemon (owner, host, pid, seen_at, silent_at, problems)
      VALUES ($1, $2, $3, clock_timestamp(), clock_timestamp() + $4 * interval '1 millisecond', $5)
      ON CONFLICT (owner) DO UPDATE
      SET seen_at = excluded.seen_at, silent_at = excluded.silent_at, problems = excluded.problems`,
    values: [owner, ascii(printable(hostname())), process.pid, silentMs, inAscii(problems)],
  });
}

/** Every server encoding has these. */
function inAscii(problems: readonly Problem[]): string {
  return JSON.stringify(problems).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function ascii(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

interface Row {
  readonly host: string;
  readonly pid: number;
  readonly seenMs: number;
  readonly silent: boolean;
  readonly replaced: boolean;
  readonly problems: readonly Problem[];
  readonly connected: boolean;
}

/**
 * A daemon that has not reported yet has a listening session. A command has no such session, but a name of
 * the same kind.
 */
async function list(pool: Pool, turns: Turns): Promise<{ daemons: SeenDaemon[]; unread?: string }> {
  const { rows: heard } = await turns(() =>
    pool.query<{ owner: string }>(
      `SELECT substring(name FROM ${everyListener}) AS owner FROM (${daemonSessions}) AS sessions
       WHERE name ~ '^uncached [0-9a-f]{16} listener$'`,
    ),
  ).catch((error) => {
    throw withAdvice('Cannot see the daemons', error);
  });
  const unreported = (known: readonly string[]) =>
    heard
      .filter(({ owner }) => !known.includes(owner))
      .map((): SeenDaemon => ({ report: undefined, connected: true }));
  try {
    const { rows } = await turns(() =>
      pool.query<Row & { owner: string }>(
        `SELECT owner, host, pid, ${elapsedMs('seen_at')} AS "seenMs", silent_at < clock_timestamp() AS silent, problems,
                EXISTS (SELECT FROM uncached.daemon AS other WHERE other.host = daemon.host AND other.started_at > daemon.seen_at) AS replaced,
                EXISTS (SELECT FROM (${daemonSessions}) AS session
                        WHERE session.name IN ${sessionsOf('daemon.owner')}) AS connected
         FROM uncached.daemon AS daemon ORDER BY seen_at DESC`,
      ),
    );
    const reported = rows.map(
      ({ owner: _owner, connected, ...report }): SeenDaemon => ({ report, connected }),
    );
    return { daemons: [...reported, ...unreported(rows.map(({ owner }) => owner))] };
  } catch (error) {
    const advised = withAdvice('Cannot read uncached.daemon', error);
    if (isOutage(error)) throw advised;
    return {
      daemons: unreported([]),
      unread: isUnusable(error) ? whyMissing('read', error) : advised.message,
    };
  }
}
