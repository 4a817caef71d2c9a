import type { RunCommand } from './caches/command/command.ts';
import { command, commandCache, readCommandSteps } from './caches/command/command-cache.ts';
import { filesCache } from './caches/files/files-cache.ts';
import { files, readFilesSteps } from './caches/files/files-steps.ts';
import { type Handler, parseHandlers } from './clearing/handler.ts';
import type { HandlerSettings } from './core/configuration.ts';
import type { PageFiles } from './core/page-files.ts';
import type { ReadSteps, Step, TargetCache } from './core/target-cache.ts';

/** What caches work with. */
interface Outside {
  readonly files: Pick<PageFiles, 'clear'>;
  readonly run: RunCommand;
}

interface CacheKind {
  readonly kind: string;
  readonly readSteps: ReadSteps;
  /** Names of caches that are there even if no handler clears in them. */
  readonly always: readonly string[];
  /** Nothing is cached in it before its first row. */
  readonly startsEmpty: boolean;
  readonly open: (outside: Outside) => TargetCache;
}

/** Every kind of cache: a folder below caches/, and an entry here. The first stands before the others. */
export const cacheKinds: readonly CacheKind[] = [
  {
    kind: files,
    readSteps: readFilesSteps,
    always: [files],
    startsEmpty: false,
    open: (outside) => filesCache(outside.files),
  },
  {
    kind: command,
    readSteps: readCommandSteps,
    always: [],
    startsEmpty: true,
    open: (outside) => commandCache(outside.run),
  },
];

/** Makes handlers from their settings, with every problem found. */
export function readHandlers(settings: readonly HandlerSettings[]): ReturnType<typeof parseHandlers> {
  return parseHandlers(
    settings,
    cacheKinds.map(({ readSteps }) => readSteps),
  );
}

/** By the name of each cache of a kind: what each handler clears in it. */
export function stepsOf(
  handlers: Iterable<Handler>,
  { kind, always }: Pick<CacheKind, 'kind' | 'always'>,
): Map<string, Map<string, Step>> {
  const caches = new Map(always.map((name) => [name, new Map<string, Step>()]));
  for (const { name, steps } of handlers) {
    for (const step of steps.filter((one) => one.kind === kind)) {
      const own = caches.get(step.cache) ?? new Map<string, Step>();
      caches.set(step.cache, own.set(name, step));
    }
  }
  return caches;
}
