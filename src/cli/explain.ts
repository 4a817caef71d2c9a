import { loadAll } from '../app.ts';
import { UsageError } from '../core/errors.ts';
import { pageOfTemp } from '../core/reserved-names.ts';
import { patternCovers } from '../filesystem/match.ts';
import { askWorker } from './ask-worker.ts';
import { findMatches, nearestTemplate } from './explain/matches.ts';
import { readPageStatuses } from './explain/page-status.ts';
import { formatReport } from './explain/report.ts';
import { formatUnmatched } from './explain/unmatched.ts';
import { sayAll } from './output.ts';

/**
 * Explains why a page exists: what would clear it, and whether that is under way. Reads the disk and the
 * database; changes neither.
 */
export async function explainPage(file: string, given: string): Promise<number> {
  const { configuration, handlers } = loadAll(file);
  const { root, settleMs } = configuration.cache;
  const found = await askWorker(root, { kind: 'page', given }, given);
  if (!found) throw new UsageError([`${given} is not below root, which is ${root}`]);
  const { path, seen } = found;

  const page = pageBehind(path);
  const names = (pattern: string) =>
    patternCovers(pattern, { path: page ?? path, isDirectory: seen.kind === 'directory' });
  const reasons = findMatches(handlers, page ?? path, names);
  const place = { root, path, page, seen };
  if (reasons.length === 0) {
    sayAll(formatUnmatched(place, handlers, nearestTemplate(handlers, path, names)));
    return 1;
  }
  try {
    const accounts = await readPageStatuses(configuration, reasons, names);
    sayAll(formatReport(place, reasons, { accounts, settleMs }));
    return 0;
  } catch (error) {
    // The templates are useful to know even when the database is down.
    sayAll(formatReport(place, reasons, undefined));
    throw error;
  }
}

function pageBehind(path: string): string | undefined {
  const directory = path.slice(0, path.lastIndexOf('/') + 1);
  const page = pageOfTemp(path.slice(directory.length));
  return page === undefined ? undefined : directory + page;
}
