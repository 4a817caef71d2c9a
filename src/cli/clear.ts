import { loadAll } from '../app.ts';
import { clearBatch } from '../clearing/batch.ts';
import { commandRunner } from '../clearing/command.ts';
import type { Handler } from '../clearing/handler.ts';
import { parseKey } from '../clearing/key.ts';
import { UsageError } from '../core/errors.ts';
import { didYouMean } from '../core/suggest.ts';
import { openCache } from '../filesystem/cache.ts';
import { preview } from '../filesystem/clear.ts';

/** Clears by hand what a handler would clear for a key, without the database; or lists what would go. */
export async function clear(
  file: string,
  name: string,
  words: readonly string[],
  { dryRun = false }: { dryRun?: boolean },
): Promise<number> {
  const { configuration, handlers, disabled } = loadAll(file);
  const handler = handlers.get(name);
  if (!handler) {
    const why = disabled.get(name);
    throw new UsageError([
      why === undefined
        ? `there is no handler "${name}"${didYouMean(name, handlers.keys())}`
        : `the handler "${name}" is disabled: ${why}`,
    ]);
  }
  const { key, problems } = parseKey(handler, words);
  if (problems.length > 0) throw new UsageError(problems);
  const { root } = configuration.cache;
  return dryRun ? show(handler, key, root) : clearNow(handler, key, root);
}

type ParsedKey = ReturnType<typeof parseKey>['key'];

function show(handler: Handler, key: ParsedKey, root: string): number {
  const patterns = [...handler.templates.map((template) => template.expand(key)), ...handler.sharedPatterns];
  const { paths, failures } = preview(root, patterns);
  for (const path of paths) process.stdout.write(`${path}\n`);
  for (const command of handler.commands) process.stdout.write(`would run: ${command.join(' ')}\n`);
  for (const { path, code, message } of failures)
    process.stderr.write(`uncached: cannot look at ${path}: ${code}, ${message}\n`);
  return failures.length > 0 ? 1 : 0;
}

async function clearNow(handler: Handler, key: ParsedKey, root: string): Promise<number> {
  const cache = openCache(root);
  try {
    const row = { id: 0, handler: handler.name, key };
    const { files, failures } = await clearBatch(handler, [row], { cache, run: commandRunner() });
    process.stdout.write(`deleted ${files} files\n`);
    for (const { error } of failures) process.stderr.write(`uncached: ${error}\n`);
    return failures.length > 0 ? 1 : 0;
  } finally {
    await cache.close();
  }
}
