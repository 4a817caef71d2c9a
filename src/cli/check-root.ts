import { frontsOf, type Handler } from '../clearing/handler.ts';
import { judgeRoot, rootId } from '../clearing/judge-root.ts';
import type { SeenRoot } from '../core/root.ts';
import type { Pool } from '../postgres/pool.ts';
import { findRelation } from '../postgres/relation.ts';
import { openRoots } from '../postgres/roots.ts';

/**
 * Whether root is the cache that the database remembers, and whether a daemon with another one is in the way.
 */
export async function inspectRootOf(
  pool: Pool,
  path: string,
  handlers: ReadonlyMap<string, Handler>,
  seen: SeenRoot | undefined,
): Promise<{ problems: string[]; notices: string[] }> {
  const notices: string[] = [];
  const roots = openRoots({
    pool,
    owner: undefined,
    queues: [...handlers.values()].flatMap(({ queue }) => queue ?? []),
    onMissing: (advice) => notices.push(advice),
  });
  // Where nothing is installed, that is reported, and not each missing table.
  const installed = (await findRelation(pool, 'uncached.journal')) !== undefined;
  const fronts = frontsOf(handlers.values());
  // A root that cannot be entered is reported by the check of the templates.
  if (!seen) return { problems: [], notices };
  const where = { path, machine: seen.machine, identity: seen.fronts[0]?.identity ?? '' };
  const verdict = judgeRoot(seen, {
    root: path,
    fronts,
    known: await roots.known(where),
    history: undefined,
    unmarked: new Set(),
    newId: () => '',
  });
  const id = rootId(seen);
  const rival = await roots.rival({ ...where, ...(id !== undefined && { id }) });
  return {
    problems: [...(verdict.isCache ? [] : [verdict.why]), ...(rival === undefined ? [] : [rival])],
    notices: installed ? notices : [],
  };
}
