import { findAny, inspect } from '../config/load.ts';
import type { Draft } from '../config/typed-configuration.ts';
import { UsageError } from '../core/errors.ts';
import { checkTimings } from '../core/timings.ts';
import { withAdvice } from '../postgres/advice.ts';
import { connectionConfigs, describeConnection } from '../postgres/connection.ts';
import { type Hosts, openHosts } from '../postgres/hosts.ts';
import { installHint } from '../postgres/install-hint.ts';
import { openPool, type Pool } from '../postgres/pool.ts';
import { findRelation, missing, type Relation } from '../postgres/relation.ts';
import { readTriggers, type Trigger } from '../postgres/trigger-list.ts';

/**
 * The configuration as far as there is one: a site is often attached before its configuration is complete. Only what
 * is wrong with its [database] keeps a command from working.
 */
export function draftOf(given: string | undefined): Draft | undefined {
  const file = findAny(given);
  if (file === undefined) return undefined;
  const { draft, problems } = inspect(file);
  const wrong = draft ? problems.filter((problem) => problem.includes('[database]')) : problems;
  if (wrong.length > 0) throw new UsageError(wrong);
  return draft;
}

/** Works with the database of the configuration, or that of libpq's environment variables. It only reads. */
export async function withDatabase<Result>(
  draft: Draft | undefined,
  work: (pool: Pool, hosts: Hosts) => Promise<Result>,
): Promise<Result> {
  const hosts = openHosts(connectionConfigs(draft?.database ?? {}), checkTimings);
  const pool = openPool(hosts, { standbyToo: true });
  try {
    await hosts.findPrimary();
    await pool.query('SELECT').catch((error) => {
      throw withAdvice(`Cannot connect to ${describeConnection(hosts.current())}`, error);
    });
    return await work(pool, hosts);
  } finally {
    await pool.end();
  }
}

/** What the SQL needs in the database. Rejects with what is missing there. */
export async function readInstallation(
  pool: Pool,
): Promise<{ listenFor: Relation; triggers: readonly Trigger[]; mentions: (name: string) => boolean }> {
  const { triggers, functions, attachable } = await readTriggers(pool);
  if (!attachable) throw new UsageError([`uncached.enqueue does not exist: ${await installHint(pool)}`]);
  const listenFor = await findRelation(pool, 'listen_for');
  if (!listenFor)
    throw new UsageError([(await missing(pool, 'listen_for', { remedy: await installHint(pool) })).message]);
  return { listenFor, triggers, mentions: (name) => functions.some((one) => one.mentions(name)) };
}
