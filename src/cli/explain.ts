import { toError, UsageError } from '../core/errors.ts';
import { pageOfTemp } from '../core/reserved-names.ts';
import { patternCovers } from '../filesystem/match.ts';
import { startWorkerProcess } from '../filesystem/workers/start-worker.ts';
import { loadAll } from '../load-all.ts';
import { askWorker } from './ask-worker.ts';
import { findMatches, nearestTemplate } from './explain/matches.ts';
import { readPageStatuses } from './explain/page-status.ts';
import { formatReport } from './explain/report.ts';
import { formatUnmatched } from './explain/unmatched.ts';
import { explainUrl } from './explain-url.ts';
import { sayAll } from './output.ts';

interface ExplainOptions {
  /** Asks the caches for a url. */
  readonly ask?: boolean;
}

/** Prints the explanation; throws what kept it from being whole. */
export async function explainPage(file: string, given: string, options: ExplainOptions): Promise<number> {
  const { code, lines, error } = await explanationOf(file, given, options);
  sayAll(lines);
  if (error) throw error;
  return code;
}

export interface Explanation {
  readonly code: number;
  readonly lines: readonly string[];
  /** Why the database could not be asked. */
  readonly error?: Error;
}

/**
 * Explains why a page exists: what would clear it, and whether that is under way. Reads the disk and the
 * database; changes neither.
 */
export async function explanationOf(
  file: string,
  given: string,
  { ask = false }: ExplainOptions = {},
  startWorker = startWorkerProcess,
): Promise<Explanation> {
  const loaded = loadAll(file);
  const { configuration, handlers } = loaded;
  if (/^https?:\/\//i.test(given)) return explainUrl(loaded, given, { ask });
  const { root, settleMs } = configuration.cache;
  const found = await askWorker(root, { kind: 'page', given }, { unnamed: given, startWorker });
  const isUrl = given.startsWith('/') && configuration.handlers.some(({ url = [] }) => url.length > 0);
  if (!found && isUrl) return explainUrl(loaded, given, { ask });
  if (!found) throw new UsageError([`${given} is not below root, which is ${root}`]);
  const { path, seen } = found;

  const page = pageBehind(path);
  const names = (pattern: string) =>
    patternCovers(pattern, { path: page ?? path, isDirectory: seen.kind === 'directory' });
  const reasons = findMatches(handlers, page ?? path, names);
  const place = { root, path, page, seen };
  if (reasons.length === 0) {
    const lines = formatUnmatched(place, handlers, nearestTemplate(handlers, path, names));
    return { code: 1, lines };
  }
  try {
    const accounts = await readPageStatuses(configuration, reasons, names);
    return { code: 0, lines: formatReport(place, reasons, { accounts, settleMs }) };
  } catch (error) {
    // The templates are useful to know even when the database is down.
    return { code: 1, lines: formatReport(place, reasons, undefined), error: toError(error) };
  }
}

function pageBehind(path: string): string | undefined {
  const directory = path.slice(0, path.lastIndexOf('/') + 1);
  const page = pageOfTemp(path.slice(directory.length));
  return page === undefined ? undefined : directory + page;
}
