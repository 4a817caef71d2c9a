import { hostname } from 'node:os';
import { errorCode } from '../core/errors.ts';
import type { KnownRoot, Registration, Roots, Where } from '../core/root.ts';
import { isUnusable, withAdvice } from './advice.ts';
import { forgetFormerRoot, forgetUnmarked } from './consumer-table.ts';
import type { Pool } from './pool.ts';
import { findRelations } from './relation.ts';

interface RootsOptions {
  readonly pool: Pool;
  /** The queue tables, as the configuration names them. */
  readonly queues: readonly string[];
  /** Called once if the table is missing or may not be used. */
  readonly onMissing: (advice: string) => void;
}

/** `uncached.root`. One function for each statement. */
export function openRoots({ onMissing, pool, queues: named }: RootsOptions): Roots {
  let missing = false;
  let queues: readonly string[] | undefined;
  const tell = <Arguments extends unknown[], Result>(
    statement: (pool: Pool, ...values: Arguments) => Promise<Result>,
    otherwise: Awaited<Result>,
    { always = false } = {},
  ) => {
    return async (...values: Arguments): Promise<Result> => {
      // Each examination of root tries to register: the table may exist by then.
      if (missing && !always) return otherwise;
      try {
        const result = await statement(pool, ...values);
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
    isCopy: tell(isCopy, false),
    register: tell(
      async (_pool, root: Registration) => {
        queues ??= await qualified(pool, named);
        await register(pool, root, queues);
      },
      undefined,
      { always: true },
    ),
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

async function known(pool: Pool, { machine, path }: Where): Promise<KnownRoot | undefined> {
  const { rows } = await pool.query<KnownRoot>(
    'SELECT id, mount_point AS "mountPoint", places FROM uncached.root WHERE machine = $1 AND path = $2',
    [machine, path],
  );
  return rows[0];
}

/** A root that was moved has the marker, the machine and the inode that it had. */
async function isCopy(
  pool: Pool,
  { id, identity, machine, path }: Parameters<Roots['isCopy']>[0],
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `SELECT FROM uncached.root
     WHERE id = $3 AND (machine <> $1 OR path <> $2) AND (machine <> $1 OR identity <> $4) LIMIT 1`,
    [machine, path, id, identity],
  );
  return rowCount === 1;
}

async function register(
  pool: Pool,
  { machine, path, id, identity, mountPoint, places }: Registration,
  queues: readonly string[],
): Promise<void> {
  const { rows } = await pool.query<{ former: string }>({
    name: 'uncached_register_root',
    text: `WITH former AS MATERIALIZED (
       SELECT id FROM uncached.root WHERE machine = $1 AND path = $2 AND id <> $3
     ), registered AS (
       INSERT INTO uncached.root AS root (machine, path, id, identity, mount_point, places, queues)
       VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (machine, path) DO UPDATE
       SET id = excluded.id, identity = excluded.identity, mount_point = excluded.mount_point, places = excluded.places,
           queues = excluded.queues, seen_at = clock_timestamp()
     )
     SELECT id AS former FROM former`,
    values: [machine, path, id, identity, mountPoint, JSON.stringify(places), queues],
  });
  for (const { former } of rows) await forgetFormerRoot(pool, { id: former, machine, path });
  await forgetUnmarked(pool, { id, node: hostname(), place: path });
}
