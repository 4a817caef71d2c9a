import { escapeLiteral } from 'pg';
import { errorCode } from '../core/errors.ts';
import type { KnownRoot, Registration, Roots, Where } from '../core/root.ts';
import { isUnusable, withAdvice } from './advice.ts';
import type { Pool } from './pool.ts';
import { findRelations } from './relation.ts';
import { sessionsOf } from './session-name.ts';

interface RootsOptions {
  readonly pool: Pool;
  /** The daemon's own; undefined for a command that only reads. */
  readonly owner: string | undefined;
  /** A daemon to ignore: it ends when this one begins. */
  readonly instead?: string;
  /** The queue tables, as the configuration names them. */
  readonly queues: readonly string[];
  /** Called once if the table is missing or may not be used. */
  readonly onMissing: (advice: string) => void;
}

/** `uncached.root`. One function for each statement. */
export function openRoots({ onMissing, queues: named, ...context }: RootsOptions): Roots {
  let missing = false;
  let queues: readonly string[] | undefined;
  const tell = <Arguments extends unknown[], Result>(
    statement: (context: Own, ...values: Arguments) => Promise<Result>,
    otherwise: Awaited<Result>,
    { always = false } = {},
  ) => {
    return async (...values: Arguments): Promise<Result> => {
      // Each examination of root tries to register: the table may exist by then.
      if (missing && !always) return otherwise;
      try {
        queues ??= await qualified(context.pool, named);
        const result = await statement({ ...context, queues }, ...values);
        missing = false;
        return result;
      } catch (error) {
        if (!isUnusable(error)) throw withAdvice('Cannot read or write uncached.root', error);
        if (!missing) onMissing(`${whyMissing(error)}; ${withoutRoot}`);
        missing = true;
        return otherwise;
      }
    };
  };
  return {
    known: tell(known, undefined),
    history: tell(history, undefined),
    register: tell(register, undefined, { always: true }),
    rival: tell(rival, undefined),
    leave: tell(leave, undefined),
    shared: tell(shared, false),
  };
}

const withoutRoot = 'until then a root that is not mounted may pass for an empty cache after a restart';

/** An installation from before this table has none. */
function whyMissing(error: unknown): string {
  if (errorCode(error) === '42501') return withAdvice('Cannot read or write uncached.root', error).message;
  return 'table uncached.root does not exist: run "uncached schema --journal-only | psql -d DATABASE" again';
}

/** Two configurations may name one table differently. */
async function qualified(pool: Pool, names: readonly string[]): Promise<string[]> {
  // A table that does not exist is reported by its own handler.
  const tables = await findRelations(pool, names);
  return names.map((name, at) => tables[at]?.name ?? name);
}

interface Own extends Omit<RootsOptions, 'queues' | 'onMissing'> {
  readonly queues: readonly string[];
}

/** A daemon is alive while it has a session; sessions of another role do not count. */
const alive = (owner: string) => `
  EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS session
          WHERE session.datname = pg_catalog.current_database() AND session.usename = SESSION_USER
            AND session.application_name IN ${sessionsOf(owner)})`;

async function known({ pool }: Own, { machine, path }: Where): Promise<KnownRoot | undefined> {
  const { rows } = await pool.query<KnownRoot>(
    'SELECT mount_point AS "mountPoint", places, wiping FROM uncached.root WHERE machine = $1 AND path = $2',
    [machine, path],
  );
  return rows[0];
}

/**
 * When this root was last cleared is known by its path, or by its id if it was moved. An unknown marker
 * belongs to a former cache if other roots were cleared.
 */
async function history(
  { pool, queues }: Own,
  { id, identity, machine, path }: Parameters<Roots['history']>[0],
): ReturnType<Roots['history']> {
  const { rows } = await pool.query<{ copy: boolean; missed: boolean }>(
    `SELECT coalesce(pg_catalog.bool_or(other.id = $3 AND (other.machine <> $1 OR other.identity <> $4)), false) AS copy,
            coalesce(pg_catalog.bool_or(other.id <> $3 AND other.queues && $5::text[]
                                        AND other.seen_at > own.seen_at), false) AS missed
     FROM uncached.root AS other
       CROSS JOIN (SELECT coalesce(pg_catalog.max(root.seen_at), CASE WHEN $3 <> '' THEN '-infinity'::timestamptz END) AS seen_at
                   FROM uncached.root AS root WHERE root.id = $3 OR (root.machine = $1 AND root.path = $2)) AS own
     WHERE other.machine <> $1 OR other.path <> $2`,
    [machine, path, id, identity, queues],
  );
  return rows[0]?.copy ? 'copy' : rows[0]?.missed ? 'missed' : undefined;
}

/**
 * Registrations run one after the other: the lock is released when the row is visible, so that of two daemons
 * that start at the same time one finds that the other was first. Only a role that may write the table can
 * hold this lock. Any role could hold an advisory lock, and nothing would be cleared meanwhile. The lock ends
 * with the one transaction of these statements, which cannot have parameters.
 */
async function register(
  { pool, owner = '', queues }: Own,
  { machine, path, id, identity, mountPoint, places, wiping, taking }: Registration,
): Promise<void> {
  const daemon = `${escapeLiteral(owner)}::text`;
  const texts = [machine, path, id, identity, mountPoint, JSON.stringify(places)]
    .map(escapeLiteral)
    .join(', ');
  await pool.query(
    `LOCK TABLE uncached.root IN SHARE ROW EXCLUSIVE MODE;
     INSERT INTO uncached.root AS root (machine, path, id, identity, mount_point, places, queues, owners, wiping, seen_at)
     SELECT ${texts}::jsonb, ARRAY[${queues.map(escapeLiteral).join(', ')}]::text[],
            pg_catalog.jsonb_build_object(${daemon}, ${now}), ${wiping},
            CASE WHEN ${taking} THEN pg_catalog.clock_timestamp() ELSE '-infinity' END
     ON CONFLICT (machine, path) DO UPDATE
     SET id = excluded.id, identity = excluded.identity, mount_point = excluded.mount_point, places = excluded.places,
         queues = excluded.queues, wiping = excluded.wiping, seen_at = greatest(root.seen_at, excluded.seen_at),
         owners = (SELECT coalesce(pg_catalog.jsonb_object_agg(daemon.key, daemon.value), '{}')
                   FROM pg_catalog.jsonb_each(root.owners) AS daemon WHERE root.id = excluded.id AND ${alive('daemon.key')})
                  || pg_catalog.jsonb_build_object(${daemon}, coalesce(root.owners -> ${daemon}, pg_catalog.to_jsonb(${now})))`,
  );
}

const now = 'extract(epoch FROM pg_catalog.clock_timestamp())::float8';

/** A copy has the id of the original, but is another root. */
async function rival(
  { pool, owner, instead = '', queues }: Own,
  { id, identity, machine, path }: Parameters<Roots['rival']>[0],
): Promise<string | undefined> {
  const { rows } = await pool.query<{ path: string; machine: string; shared: string }>(
    `SELECT other.path, other.machine,
            (SELECT pg_catalog.string_agg(queue, ', ' ORDER BY queue)
             FROM pg_catalog.unnest(other.queues) AS queue WHERE queue = ANY ($4::text[])) AS shared
     FROM uncached.root AS other CROSS JOIN pg_catalog.jsonb_each_text(other.owners) AS daemon (owner, since)
     WHERE (other.machine <> $1 OR other.path <> $2) AND other.queues && $4::text[]
       AND (other.id IS DISTINCT FROM $3 OR other.machine <> $1 OR other.identity <> $7)
       AND daemon.owner <> $6 AND ${alive('daemon.owner')}
       AND daemon.since::float8 < coalesce((SELECT (owners ->> $5::text)::float8 FROM uncached.root WHERE machine = $1 AND path = $2), 'infinity')
     LIMIT 1`,
    [machine, path, id, queues, owner ?? '', instead, identity],
  );
  const [other] = rows;
  if (!other) return undefined;
  const where = other.machine === machine ? other.path : `${other.path} on another machine`;
  return `a daemon that clears another root, ${where}, takes entries of ${other.shared}, too: each would clear a part of what has changed. One root for each database: stop that daemon, or give this one queue tables of its own`;
}

async function leave({ pool, owner }: Own): Promise<void> {
  await pool.query('UPDATE uncached.root SET owners = owners - $1::text WHERE owners ? $1::text', [owner]);
}

async function shared({ pool, owner }: Own, id: string): Promise<boolean> {
  const { rows } = await pool.query(
    `SELECT FROM uncached.root AS root CROSS JOIN pg_catalog.jsonb_object_keys(root.owners) AS daemon (owner)
     WHERE root.id = $1 AND daemon.owner IS DISTINCT FROM $2 AND ${alive('daemon.owner')} LIMIT 1`,
    [id, owner],
  );
  return rows.length > 0;
}
