import type { ExpandFunction } from './expand-function.ts';
import type { Json } from './json.ts';
import { keyText } from './key-text.ts';

export interface DependentsStatement {
  readonly name: string;
  readonly text: string;
  /** What it returns for each dependent. */
  readonly columns: readonly string[];
}

/** A longer answer counts as too many dependents: it would fill the memory. */
const mostBytes = 32_000_000;

let statements = 0;

/**
 * One statement for many keys, in one snapshot. $1 is the most dependents that are wanted, all keys together:
 * with more, it stops and returns NULL. Only the columns that lines name are read; their texts are those of a
 * queue table's columns (key-text.ts).
 */
export function dependentsStatement(
  fn: ExpandFunction,
  named: readonly string[],
  json: Json,
): DependentsStatement {
  const columns = fn.columns.filter(({ name }) => named.length === 0 || named.includes(name));
  const arrays = fn.types.map((_, at) => `$${at + 2}::text[]`).join(', ');
  const aliases = fn.types.map((_, at) => `a${at}`).join(', ');
  const given = fn.types.map((type, at) => (type === null ? `k.a${at}` : `k.a${at}::${type}`)).join(', ');
  const texts = columns.map((column, at) => `${keyText(column).bounded} AS r${at}`).join(', ');
  const names = columns.map((_, at) => `r${at}`);
  const size = names.map((name) => `coalesce(octet_length(${name}), 0) + 8`).join(' + ') || '8';
  statements += 1;
  return {
    // A prepared name must never have two texts on one connection.
    name: `uncached_dependents_${statements}`,
    columns: columns.map(({ name }) => name),
    text: `
      WITH found AS MATERIALIZED (
        SELECT k.place, d.* FROM unnest(${arrays}) WITH ORDINALITY AS k (${aliases}, place)
        CROSS JOIN LATERAL (SELECT ${texts} FROM ${fn.name}(${given}) AS f) AS d
        LIMIT $1::bigint + 1
      )
      SELECT CASE WHEN dependents <= $1::bigint AND bytes <= ${mostBytes} THEN ${json.send(`
               (SELECT coalesce(json_agg(json_build_array(${['place', ...names].join(', ')})), '[]') FROM found)`)} END AS found
      FROM (SELECT count(*) AS dependents, coalesce(sum(${size}), 0) AS bytes FROM found) AS totals`,
  };
}
