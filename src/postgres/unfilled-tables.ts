import { type FunctionSource, parseName } from './function-source.ts';
import { listNames } from './name-list.ts';
import { type ServedTable, serves } from './served-tables.ts';
import type { Trigger } from './trigger-list.ts';

/**
 * Queue tables that nothing in the database fills, as far as can be seen: programs may fill them, but a
 * forgotten trigger looks the same. `attachable`: uncached.enqueue() is installed.
 */
export function unfilledTables(
  served: readonly ServedTable[],
  triggers: readonly Trigger[],
  functions: readonly FunctionSource[],
  attachable: boolean,
): string[] {
  const unfed = served.filter(
    (one) =>
      !one.filled &&
      !triggers.some(({ enqueues, notifies, args, source }) => {
        if (notifies) return false;
        const queue = enqueues ? parseName(args[0] ?? '') : undefined;
        return enqueues ? queue && serves(one, queue) : one.members.some(({ name }) => source.mentions(name));
      }) &&
      !functions.some((source) => one.members.some(({ name }) => source.mentions(name))),
  );
  const [first] = unfed;
  if (!first) return [];
  const names = [...new Set(unfed.map(({ table }) => table))];
  const args = [first.table, first.channels?.[0] ?? '', ...first.columns].map((text) => `'${text}'`);
  const remedy = attachable
    ? `attach one, such as CREATE TRIGGER clear_cache AFTER INSERT OR UPDATE OR DELETE ON … FOR EACH ROW EXECUTE FUNCTION uncached.enqueue(${args.join(', ')})`
    : 'write one that inserts the keys of what has changed, and notifies';
  return [
    `no trigger fills ${listNames(names)}, and no function mentions ${names.length === 1 ? 'it' : 'them'}: unless programs insert there themselves, nothing is ever cleared: ${remedy}`,
  ];
}
