/**
 * Finds uncached.enqueue() by comparing with tgfoid. NULL where only the log is installed.
 * (to_regprocedure() would need USAGE.)
 */
export const enqueueFunction = triggerFunction('enqueue');

/** The same for uncached.notify(), which fills no queue table. */
export const notifyFunction = triggerFunction('notify');

function triggerFunction(name: string): string {
  return `(
  SELECT oid FROM pg_proc
  WHERE proname = '${name}' AND pronargs = 0 AND pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'uncached'))`;
}

/** The name of a relation with its schema, quoted; `oid` is an expression of SQL. */
export function relationName(oid: string): string {
  return `(SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = ${oid})`;
}
