import { installSql, uninstallSql } from '../postgres/schema.ts';

/** Prints the SQL to install, for psql. */
export function schema({ uninstall }: { uninstall?: boolean }): number {
  process.stdout.write(uninstall ? uninstallSql() : installSql());
  return 0;
}
