import { loadAll } from '../app.ts';
import { nearestTemplate, reasonsFor } from '../clearing/reasons.ts';
import { UsageError } from '../core/errors.ts';
import { pageOfTemp } from '../core/hidden.ts';
import { namesPath } from '../filesystem/names.ts';
import { belowRoot, seePage } from '../filesystem/page.ts';
import { readAccounts } from './account.ts';
import { inWords } from './explanation.ts';
import { strangerInWords } from './stranger.ts';

/** Why a page is there: what would clear it, and whether that is under way. Asks the disk and the database; changes neither. */
export async function explainPage(file: string, given: string): Promise<number> {
  const { configuration, handlers } = loadAll(file);
  const { root, settleMs } = configuration.cache;
  const path = belowRoot(root, given);
  if (path === undefined) throw new UsageError([`${given} is not below root, which is ${root}`]);

  const seen = seePage(root, path);
  const page = pageBehind(path);
  const names = (pattern: string) =>
    namesPath(pattern, { path: page ?? path, isDirectory: seen.kind === 'directory' });
  const reasons = reasonsFor(handlers, page ?? path, names);
  const place = { root, path, page, seen };
  if (reasons.length === 0) {
    process.stdout.write(strangerInWords(place, handlers, nearestTemplate(handlers, path, names)));
    return 1;
  }
  try {
    const accounts = await readAccounts(configuration, reasons, names);
    process.stdout.write(inWords(place, reasons, { accounts, settleMs }));
    return 0;
  } catch (error) {
    // The templates are worth knowing when the database is down, too.
    process.stdout.write(inWords(place, reasons, undefined));
    throw error;
  }
}

function pageBehind(path: string): string | undefined {
  const directory = path.slice(0, path.lastIndexOf('/') + 1);
  const page = pageOfTemp(path.slice(directory.length));
  return page === undefined ? undefined : directory + page;
}
