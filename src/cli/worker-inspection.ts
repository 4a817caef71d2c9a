import type { SeenRoot } from '../core/root.ts';
import type { InspectedTemplate, Inspection } from '../filesystem/inspect-root.ts';
import type { Survey } from '../filesystem/survey.ts';
import { openCache } from '../filesystem/workers/file-cache.ts';
import { rootMarkers } from '../filesystem/workers/root-markers.ts';
import { startWorkerProcess } from '../filesystem/workers/start-worker.ts';
import { Stalled } from '../filesystem/workers/worker.ts';
import { formatNotAnswering } from './ask-worker.ts';

const patienceMs = 3_000;

interface Named {
  readonly fronts: readonly string[];
  readonly templates: readonly InspectedTemplate[];
  readonly patterns: readonly string[];
}

interface WorkerInspection {
  /** Undefined if root cannot be entered. */
  readonly seen: SeenRoot | undefined;
  readonly inspection: Inspection | undefined;
  readonly survey: Survey | undefined;
  /** The directory that does not answer, as text; everything after it has not been checked. */
  readonly silent: readonly string[];
}

/**
 * Root and its contents, as a worker sees them. A system call that is never answered would hang the command,
 * and only SIGKILL would end it: so the command itself makes none there.
 */
export async function inspectInWorker(
  root: string,
  { fronts, templates, patterns }: Named,
  startWorker = startWorkerProcess,
): Promise<WorkerInspection> {
  const cache = openCache(root, startWorker, { fronts, patienceMs });
  const silent: string[] = [];
  const giveUp = (path: string | undefined) => silent.push(formatNotAnswering(root, path ?? ''));
  const unlessSilent = async <Answer>(ask: () => Promise<Answer>): Promise<Answer | undefined> => {
    if (silent.length > 0) return undefined;
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Stalled)) throw error;
      giveUp(error.path);
      return undefined;
    }
  };
  try {
    const seen = await unlessSilent(() => rootMarkers(root, fronts, cache).read().catch(unlessStalled));
    for (const path of seen?.silent ?? []) giveUp(path);
    const inspection = await unlessSilent(() => cache.ask({ kind: 'inspect', templates, fronts }));
    const survey = seen && (await unlessSilent(() => cache.ask({ kind: 'survey', patterns, fronts })));
    return { seen, inspection, survey, silent };
  } finally {
    cache.hurry(true);
    await cache.close();
  }
}

/** Its inspection reports a root that cannot be entered. */
function unlessStalled(error: unknown): undefined {
  if (error instanceof Stalled) throw error;
}
