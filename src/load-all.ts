import { readHandlers } from './cache-kinds.ts';
import type { Handler } from './clearing/handler.ts';
import { type Loaded, load } from './config/load.ts';
import { sectionsOf } from './config/typed-configuration.ts';
import { UsageError } from './core/errors.ts';

export type LoadedAll = Loaded & { readonly handlers: ReadonlyMap<string, Handler> };

/** A configuration whose handlers are valid, too. Throws a UsageError with every problem. */
export function loadAll(file: string): LoadedAll {
  const loaded = load(file);
  const { handlers, problems } = readHandlers(
    loaded.configuration.handlers,
    sectionsOf(loaded.configuration),
  );
  if (problems.length > 0) throw new UsageError(problems.map((problem) => `${file}: ${problem}`));
  return { ...loaded, handlers };
}
