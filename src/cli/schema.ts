import { UsageError } from '../core/errors.ts';
import { installSql, logSql, uninstallSql } from '../postgres/sql-files.ts';
import { print } from './output.ts';

interface Options {
  barrier?: boolean;
  journalOnly?: boolean;
  freshports?: boolean;
  uninstall?: boolean;
}

/** Prints the SQL to install or to remove, for psql. */
export function schema({ journalOnly, freshports, uninstall, barrier }: Options): number {
  if (barrier && (journalOnly || freshports || uninstall))
    throw new UsageError([
      '--barrier adds to what is installed, for the queue tables that are there: give it alone, after the rest has run',
    ]);
  if (uninstall && journalOnly)
    throw new UsageError(['--uninstall removes the log, too: leave --journal-only out']);
  if (uninstall && freshports)
    throw new UsageError(['--uninstall never removes a queue table: leave --freshports out']);
  if (journalOnly && freshports)
    throw new UsageError([
      '--freshports adds queue tables, --journal-only is for a database that has its own: choose one of the two',
    ]);
  print(
    uninstall ? uninstallSql() : journalOnly ? logSql() : installSql({ freshports: freshports ?? false }),
  );
  return 0;
}
