import { triggerNames } from '../postgres/attach-sql.ts';
import { parseName } from '../postgres/function-source.ts';
import { showIdentifier } from '../postgres/identifier.ts';
import type { Trigger } from '../postgres/trigger-list.ts';

interface Wanted {
  /** The table and those below it; qualified and quoted. */
  readonly tables: readonly string[];
  readonly queue: { readonly schema: string; readonly table: string };
  readonly form: 'row' | 'when' | 'statement';
}

/** Whether the trigger calls uncached.enqueue() for this queue table. */
export function fills({ enqueues, args: [written = ''] }: Trigger, queue: Wanted['queue']): boolean {
  const name = parseName(written);
  return enqueues && name?.name === queue.table && [undefined, queue.schema].includes(name.schema);
}

/** What the triggers that are there mean for those that are to be made. */
export function compareTriggers(
  triggers: readonly Trigger[],
  { tables, queue, form }: Wanted,
): { problems: string[]; notices: string[]; replaced: { table: string; name: string }[] } {
  const names = triggerNames(queue.table);
  const made = {
    row: [names.row],
    when: [names.row, names.when],
    statement: [names.insert, names.update, names.delete],
  }[form];
  const here = triggers.filter(({ table }) => tables.includes(table));
  const named = (trigger: Trigger, all: readonly string[]) =>
    all.find((name) => showIdentifier(name) === trigger.name);
  const all = Object.values(names);
  return {
    problems: here
      .filter((trigger) => named(trigger, all) !== undefined && !fills(trigger, queue))
      .map(
        ({ table, name }) =>
          `${table} has a trigger ${name} already, which does something else: rename that, or name another queue table with --queue`,
      ),
    notices: here
      .filter((trigger) => named(trigger, all) === undefined && fills(trigger, queue))
      .map(
        ({ table, name }) =>
          `the trigger ${name} on ${table} fills the same queue table: if this one replaces it, DROP TRIGGER ${name} ON ${table}`,
      ),
    replaced: here.flatMap((trigger) => {
      const name = named(trigger, all);
      return name !== undefined && fills(trigger, queue) && !made.includes(name)
        ? [{ table: trigger.table, name }]
        : [];
    }),
  };
}
