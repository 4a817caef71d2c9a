import { frontsOf } from '../caches/files/files-steps.ts';
import { judgeRoot } from '../caches/files/judge-root.ts';
import type { Handler } from '../clearing/handler.ts';
import type { SeenRoot } from '../core/root.ts';
import type { Pool } from '../postgres/pool.ts';
import { findRelation } from '../postgres/relation.ts';
import { openRoots } from '../postgres/roots.ts';

/** Whether root is the cache that the database remembers. */
export async function inspectRootOf(
  pool: Pool,
  path: string,
  handlers: ReadonlyMap<string, Handler>,
  seen: SeenRoot | undefined,
): Promise<{ problems: string[]; notices: string[] }> {
  const notices: string[] = [];
  const roots = openRoots({ pool, queues: [], onMissing: (advice) => notices.push(advice) });
  // Where nothing is installed, that is reported, and not each missing table.
  const installed = (await findRelation(pool, 'uncached.log')) !== undefined;
  // A root that cannot be entered is reported by the check of the templates.
  if (!seen) return { problems: [], notices };
  const verdict = judgeRoot(seen, {
    root: path,
    fronts: frontsOf(handlers.values()),
    known: await roots.known({ path, machine: seen.machine }),
    isCopy: false,
    unmarked: new Set(),
    newId: () => '',
  });
  return { problems: verdict.isCache ? [] : [verdict.why], notices: installed ? notices : [] };
}
