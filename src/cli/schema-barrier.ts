import { load } from '../config/load.ts';
import { UsageError } from '../core/errors.ts';
import { several } from '../core/plural.ts';
import { findQueueTable } from '../postgres/queue-table.ts';
import { barrierSql } from '../postgres/sql-files.ts';
import { withDatabase } from './administrator.ts';
import { findings } from './findings.ts';
import { complain, print } from './output.ts';

/**
 * Prints the SQL of the barrier for the queue tables of the configuration, as the daemon finds them. Where one is
 * missing it prints none, but every problem.
 */
export async function schemaBarrier(file: string): Promise<number> {
  const { configuration, disabled } = load(file);
  // Entries of a disabled handler wait, too: nobody clears them.
  const given: { name: string; queue?: string }[] = [
    ...configuration.handlers,
    ...[...disabled].map(([name, handler]) => ({ ...handler, name })),
  ];
  if (!given.some(({ queue }) => queue !== undefined))
    throw new UsageError([`${file}: no handler has a queue table, and a change leaves no trace for any`]);
  const { found, attempt } = findings();
  const handlers: { handler: string; queue?: string }[] = [];
  await withDatabase(configuration, async (pool) => {
    for (const { name, queue } of given)
      await attempt(`find the queue table of ${name}`, async () => {
        handlers.push({
          handler: name,
          ...(queue !== undefined && { queue: (await findQueueTable(pool, queue)).name }),
        });
        return {};
      });
  });
  for (const problem of found.problems) complain(problem);
  if (found.problems.length > 0) return 1;
  print(barrierSql(handlers));
  const without = handlers.filter(({ queue }) => queue === undefined).map(({ handler }) => handler);
  if (without.length > 0)
    complain(
      `notice: ${several(without.length, 'handler has', 'handlers have')} no queue table, and nobody waits for what is cleared by it: ${without.join(', ')}`,
    );
  return 0;
}
