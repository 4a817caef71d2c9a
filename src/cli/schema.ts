import { UsageError } from '../core/errors.ts';
import { installSql, journalSql, uninstallSql } from '../postgres/schema.ts';

/** Prints the SQL to install or to remove, for psql. */
export function schema({ journalOnly, uninstall }: { journalOnly?: boolean; uninstall?: boolean }): number {
  if (journalOnly && uninstall)
    throw new UsageError(['--uninstall removes the journal, too: leave --journal-only out']);
  process.stdout.write(uninstall ? uninstallSql() : journalOnly ? journalSql() : installSql());
  return 0;
}
