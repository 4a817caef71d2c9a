import { readHandlers } from '../cache-kinds.ts';
import { shellProblems } from '../caches/command/shell-syntax.ts';
import { readZones } from '../caches/nginx/zones.ts';
import { inspect, passwordNotices } from '../config/load.ts';
import { sectionsOf } from '../config/typed-configuration.ts';
import type { HandlerSettings } from '../core/configuration.ts';
import { several } from '../core/plural.ts';
import type { SeenRoot } from '../core/root.ts';
import { programProblem } from '../filesystem/executable.ts';
import type { StartWorker } from '../filesystem/workers/start-worker.ts';
import { settingsNotices, settingsProblems } from '../postgres/settings.ts';
import { inspectDatabase } from './check-database.ts';
import { inspectDisk } from './check-disk.ts';
import { inspectProbes } from './check-probes.ts';
import { inspectTargets } from './check-targets.ts';
import { inspectZone } from './check-zones.ts';
import { type Findings, findings } from './findings.ts';
import { sayAll } from './output.ts';

interface CheckOptions {
  /** Purges a page in each target, to prove that it goes. */
  readonly probe?: boolean;
}

/** Prints what is found. */
export async function check(file: string, options: CheckOptions): Promise<number> {
  const { code, lines } = await inspectAll(file, options);
  sayAll(lines);
  return code;
}

/** Finds every problem at once: no problem hides another one that can be checked. */
export async function inspectAll(
  file: string,
  { probe = false }: CheckOptions = {},
  startWorker?: StartWorker,
): Promise<{ code: number; lines: string[] }> {
  const inspected = inspect(file);
  const { draft, problems, notices } = inspected;
  const settings = draft?.handlers ?? [];
  const { handlers, problems: handlerProblems } = readHandlers(settings, draft && sectionsOf(draft));
  const { found, attempt } = findings();
  found.problems.push(...problems, ...handlerProblems.map((problem) => `${file}: ${problem}`));
  found.notices.push(...notices);
  const wrongFile = found.problems.length > 0;
  for (const handler of settings) found.problems.push(...shellProblems(handler), ...commandProblems(handler));
  if (draft) {
    const { database, cache } = draft;
    const { root } = cache;
    let seen: SeenRoot | undefined;
    // A problem of its value has been reported.
    if (root !== undefined) {
      await attempt(`look at [cache] root = ${root}`, async () => {
        const disk = await inspectDisk({ file, root }, handlers, startWorker);
        seen = disk.seen;
        return disk;
      });
    }
    await attempt('look at the [purge.…] sections', () =>
      inspectTargets(sectionsOf(draft), handlers.values()),
    );
    for (const zone of readZones(sectionsOf(draft)).zones)
      await attempt(`look at [nginx.${zone.name}]`, () =>
        inspectZone({ zone, root: root ?? '' }, handlers.values(), startWorker),
      );
    if (probe) await attempt('probe the targets', () => inspectProbes(sectionsOf(draft)));
    await attempt('look at the database', () =>
      inspectDatabase({ database, root: root ?? '' }, handlers, { ...inspected, seen }),
    );
    await attempt('look at [database]', () => ({
      problems: settingsProblems(database),
      notices: [...passwordNotices(file, draft), ...settingsNotices(database)],
    }));
  }
  const lines = report(found, `${several(handlers.size, 'handler')}, root ${draft?.cache.root}`);
  return { code: wrongFile ? 2 : found.problems.length > 0 ? 1 : 0, lines };
}

function report(found: Findings, what: string): string[] {
  const all = [...new Set(found.problems)];
  // The reason for the missing connection has been reported already.
  const problems = all.filter((one) => !all.some((other) => other !== one && other.includes(one)));
  const seen = found.notices.length > 0 ? `, ${several(found.notices.length, 'notice')}` : '';
  return [
    ...found.notices.map((notice) => `notice: ${notice}`),
    ...problems,
    problems.length > 0 ? `${several(problems.length, 'problem')}${seen}` : `no problems${seen}: ${what}`,
  ];
}

/** The daemon may have another PATH than this shell; a service's is short. */
function commandProblems({ name, run }: HandlerSettings): string[] {
  const problem = run === undefined ? undefined : programProblem(run.split(/\s+/)[0] ?? '');
  return problem === undefined ? [] : [`[handler.${name}] run = ${run}: ${problem}`];
}
