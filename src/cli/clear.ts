import { loadAll } from '../app.ts';
import { cacheKinds } from '../cache-kinds.ts';
import { commandRunner } from '../caches/command/command.ts';
import { programsOf } from '../caches/command/command-cache.ts';
import { frontsOf, isOfFiles } from '../caches/files/files-steps.ts';
import { clearBatch } from '../clearing/batch.ts';
import type { Handler } from '../clearing/handler.ts';
import { parseKey } from '../clearing/parse-key.ts';
import { UsageError } from '../core/errors.ts';
import { several } from '../core/plural.ts';
import { didYouMean } from '../core/suggest.ts';
import { openCache } from '../filesystem/workers/file-cache.ts';
import { startWorkerProcess } from '../filesystem/workers/start-worker.ts';
import { askWorker } from './ask-worker.ts';
import { complain, say } from './output.ts';

/**
 * Clears by hand what a handler would clear for a key, without the database; or lists what would be deleted.
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
  const cache = { root: configuration.cache.root, fronts: frontsOf(handlers.values()) };
  return dryRun ? show(handler, key, cache) : clearNow(handler, key, cache);
}

type ParsedKey = ReturnType<typeof parseKey>['key'];

interface RootAndFronts {
  readonly root: string;
  readonly fronts: readonly string[];
}

async function show(handler: Handler, key: ParsedKey, { root, fronts }: RootAndFronts): Promise<number> {
  const patterns = handler.steps
    .filter(isOfFiles)
    .flatMap(({ plans, shared }) => [...plans.map((plan) => plan.expand(key)), ...shared]);
  const { paths, failures } = await askWorker(root, { kind: 'preview', patterns, fronts });
  for (const path of paths) say(path);
  for (const program of programsOf(handler)) say(`would run: ${program}`);
  for (const { path, code, message, refused } of failures)
    complain(`cannot ${refused ?? 'look at'} ${path}: ${code}, ${message}`);
  return failures.length > 0 ? 1 : 0;
}

async function clearNow(handler: Handler, key: ParsedKey, { root, fronts }: RootAndFronts): Promise<number> {
  const cache = openCache(root, startWorkerProcess, { fronts });
  try {
    const row = { id: 0, handler: handler.name, key };
    let files = 0;
    const errors: string[] = [];
    for (const { kind, open } of cacheKinds) {
      const target = open({ files: cache, run: commandRunner() });
      for (const step of handler.steps.filter((one) => one.kind === kind)) {
        const outcome = await clearBatch(step, [row], target);
        files += outcome.files;
        for (const { error } of outcome.failures) errors.push(error);
      }
    }
    say(`deleted ${several(files, 'file')}`);
    for (const error of errors) complain(error);
    return errors.length > 0 ? 1 : 0;
  } finally {
    await cache.close();
  }
}
