import { type Call, formatCall } from '../core/configuration.ts';
import { errorCode, toError } from '../core/errors.ts';
import { hiddenRows, roleOf } from './advice.ts';
import type { ExpandFunction } from './expand-function.ts';
import { quoteIdentifier } from './identifier.ts';

/** What the database said when it was asked by an `expand`, and what to do about it. */
export function dependentsAdvice(call: Call, fn: ExpandFunction, thrown: unknown): string {
  const error = toError(thrown);
  const remedy = remedyFor(fn, error);
  return `expand = ${formatCall(call)}: ${error.message}${remedy === undefined ? '' : ` (${remedy})`}`;
}

function remedyFor({ signature, hasSearchPath, asOwner }: ExpandFunction, error: Error): string | undefined {
  const code = errorCode(error) ?? '';
  const role = roleOf(error);
  if (code === '42501' && /row-level security/.test(error.message))
    return hiddenRows(undefined, role && quoteIdentifier(role));
  if (code === '42501')
    return asOwner
      ? `its owner lacks that right, not the daemon's role: the function is SECURITY DEFINER`
      : `GRANT SELECT on what it reads to ${role ? quoteIdentifier(role) : 'the role of the daemon'}, or ALTER FUNCTION ${signature} SECURITY DEFINER SET search_path = public, pg_temp`;
  if (/^(42P01|42883|42704|3F000)$/.test(code) && !hasSearchPath)
    return `it is called with search_path = pg_catalog: ALTER FUNCTION ${signature} SET search_path = public, pg_temp`;
  if (code === '25006' || code === '0A000') return 'it may only read: take what writes out of it';
  if (code === '57014') return 'it takes too long: is there an index for it?';
  if (code === '55P03') return 'somebody holds a lock on a table that it reads: see pg_locks';
  return undefined;
}
