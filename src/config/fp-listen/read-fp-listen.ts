import { didYouMean } from '../../core/suggest.ts';
import type { Entry } from '../read-entries.ts';
import type { RawFile } from './configparser.ts';
import type { Report } from './conversion-report.ts';
import { databaseEntries, databaseKeys } from './database.ts';
import { readDirs } from './dirs.ts';
import { handlerEntries } from './handlers.ts';
import { dirsKeys, reactions } from './keys.ts';
import { readSection } from './section.ts';

/**
 * A parsed fp-listen.ini: the entries that a file in the native format would have, in the lines they come
 * from.
 */
export interface FpListen extends Report {
  /** Absent if the cache cannot be determined: nothing else would work. */
  readonly parsed?: { entries: Entry[]; sections: Map<string, number> };
  /** Handlers that no option of the file requested. */
  readonly implied: readonly string[];
}

/** Whether a file is in fp-listen's format: it has a section [dirs], or DBUSER in [database]. */
export function isFpListen(file: RawFile): boolean {
  return signOf(file) !== undefined;
}

function signOf({ sections }: RawFile): string | undefined {
  const dirs = sections.get('dirs');
  if (dirs) return `line ${dirs.line}: [dirs]`;
  const user = sections.get('database')?.options.get('dbuser');
  return user && `line ${user.line}: DBUSER`;
}

export function readFpListen(file: RawFile): FpListen {
  const report: Report = { problems: [], notices: [], disabled: new Map() };
  const implied = reactions.filter(({ queue }) => queue === undefined).map(({ name }) => name);
  const native = [...file.sections].find(([name]) => /^(cache|daemon|handler\..*)$/.test(name));
  if (native) {
    const [name, { line }] = native;
    report.problems.push(
      `${signOf(file)} is fp-listen's dialect, line ${line}: [${name}] is uncached's own: a file is in one of them. "uncached --config FILE config" turns fp-listen's into uncached's own`,
    );
    return { ...report, implied };
  }
  report.problems.push(...file.problems);
  report.notices.push(...unknownSections(file));

  const database = readSection(file, 'database', databaseKeys, report);
  const databaseOnes = databaseEntries(database, report);
  if (!file.sections.has('dirs')) {
    report.problems.push('there is no section [dirs]: nothing would ever be cleared');
    return { ...report, implied };
  }
  const values = readSection(file, 'dirs', dirsKeys, report);
  const dirs = readDirs(values, report);
  if (dirs.root === undefined) return { ...report, implied };
  const line = values.get('basedir')?.line ?? file.sections.get('dirs')?.line ?? 0;
  const root = { section: 'cache', option: 'root', value: dirs.root, list: false, line };
  const entries = [...databaseOnes, root, ...handlerEntries(dirs, values, report)];
  const sections = new Map(entries.map((entry) => [entry.section, entry.line]));
  return { ...report, parsed: { entries, sections }, implied };
}

/** Python ignores them; they may be misspelt. */
function unknownSections({ sections }: RawFile): string[] {
  return [...sections]
    .filter(([name]) => !['database', 'dirs', 'flags'].includes(name))
    .map(
      ([name, { line }]) =>
        `line ${line}: the section [${name}] means nothing${didYouMean(name, ['database', 'dirs'])}`,
    );
}
