import { cacheKinds } from '../cache-kinds.ts';
import { commandRunner } from '../caches/command/command.ts';
import { command, programsOf } from '../caches/command/command-cache.ts';
import { files, frontsOf, isOfFiles } from '../caches/files/files-steps.ts';
import { nginx } from '../caches/nginx/nginx-steps.ts';
import { readTargets } from '../caches/purge/targets.ts';
import { clearBatch } from '../clearing/batch.ts';
import { withDependents } from '../clearing/expand.ts';
import type { Handler } from '../clearing/handler.ts';
import { parseKey } from '../clearing/parse-key.ts';
import { sectionsOf } from '../config/typed-configuration.ts';
import type { CacheSections } from '../core/configuration.ts';
import type { AskDependents } from '../core/dependents.ts';
import { toError, UsageError } from '../core/errors.ts';
import { several } from '../core/plural.ts';
import { didYouMean } from '../core/suggest.ts';
import type { Step } from '../core/target-cache.ts';
import type { OpenZone, ZoneFiles } from '../core/zone-files.ts';
import { systemClock } from '../daemon/system-clock.ts';
import { openCache } from '../filesystem/workers/file-cache.ts';
import { startWorkerProcess } from '../filesystem/workers/start-worker.ts';
import { zoneOpener } from '../filesystem/workers/zone-workers.ts';
import { loadAll } from '../load-all.ts';
import { askWorker } from './ask-worker.ts';
import { type Expanded, expandKey, formatDependents, withAsker, worksFor } from './expanded-key.ts';
import { complain, say } from './output.ts';
import { requestsFor } from './show-requests.ts';
import { showZones } from './show-zones.ts';

/**
 * Clears by hand what a handler would clear for a key; or lists what would be deleted. The database is needed only
 * to ask what depends on the key (`expand`).
 */
export async function clear(
  file: string,
  name: string,
  words: readonly string[],
  { dryRun = false }: { dryRun?: boolean },
): Promise<number> {
  const { configuration, handlers, disabled } = loadAll(file);
  const handler = handlers.get(name);
  if (!handler) {
    const why = disabled.get(name)?.why;
    throw new UsageError([
      why === undefined
        ? `there is no handler "${name}"${didYouMean(name, handlers.keys())}`
        : `the handler "${name}" is disabled: ${why}`,
    ]);
  }
  const { key, problems } = parseKey(handler, words);
  if (problems.length > 0) throw new UsageError(problems);
  const caches = {
    root: configuration.cache.root,
    fronts: frontsOf(handlers.values()),
    sections: sectionsOf(configuration),
  };
  return withAsker(configuration.database, async (ask) =>
    dryRun
      ? show(handler, await expandKey(handler, key, ask), caches)
      : clearNow(handler, key, { ...caches, ask }),
  );
}

type ParsedKey = ReturnType<typeof parseKey>['key'];

interface Caches {
  readonly root: string;
  readonly fronts: readonly string[];
  readonly sections: CacheSections;
}

async function show(handler: Handler, key: Expanded, { root, fronts, sections }: Caches): Promise<number> {
  for (const line of formatDependents(handler, key)) say(line);
  const worksOf = (step: Step) => worksFor(step, key).works;
  const patterns = handler.steps.filter(isOfFiles).flatMap(worksOf);
  const { paths, failures } = await askWorker(root, { kind: 'preview', patterns, fronts });
  for (const path of paths) say(path);
  for (const program of programsOf(handler)) say(`would run: ${program}`);
  const { targets } = readTargets(sections);
  for (const step of handler.steps.filter(({ kind }) => ![files, command, nginx].includes(kind))) {
    const works = [...new Set(worksOf(step))];
    for (const work of works) say(`would ask ${step.kind}.${step.cache} to forget: ${work}`);
    for (const target of targets.filter(({ name }) => name === step.cache))
      for (const request of requestsFor(target, works)) say(`  ${request}`);
  }
  for (const { path, code, message, refused } of failures)
    complain(`cannot ${refused ?? 'look at'} ${path}: ${code}, ${message}`);
  for (const problem of new Set(handler.steps.flatMap((step) => worksFor(step, key).problems)))
    complain(`in what depends on it: ${problem}`);
  const failed = await showZones(handler, sections, worksOf);
  return failures.length > 0 || failed ? 1 : 0;
}

async function clearNow(
  handler: Handler,
  key: ParsedKey,
  { root, fronts, sections, ask }: Caches & { ask: AskDependents },
): Promise<number> {
  const cache = openCache(root, startWorkerProcess, { fronts });
  const zones: ZoneFiles[] = [];
  const openZone: OpenZone = (zone) => {
    const opened = zoneOpener(startWorkerProcess)(zone);
    zones.push(opened);
    return opened;
  };
  try {
    const row = { id: 0, handler: handler.name, key };
    let deleted = 0;
    const errors: string[] = [];
    const run = commandRunner();
    const outside = { files: cache, run, openZone, clock: systemClock, tell: complain, sections };
    for (const { kind, open } of cacheKinds) {
      for (const step of handler.steps.filter((one) => one.kind === kind)) {
        const target = open(outside, step.cache);
        try {
          const asking = withDependents(
            step,
            ask,
            (event) => event.kind === 'notice' && complain(event.text),
          );
          const outcome = await clearBatch(asking, [row], target);
          deleted += outcome.files;
          for (const { error } of [...outcome.failures, ...outcome.invalid]) errors.push(error);
        } catch (error) {
          // The others are cleared all the same.
          errors.push(toError(error).message);
        }
      }
    }
    say(`deleted ${several(deleted, 'file')}`);
    for (const error of errors) complain(error);
    return errors.length > 0 ? 1 : 0;
  } finally {
    await Promise.all([cache, ...zones].map((one) => one.close()));
  }
}
