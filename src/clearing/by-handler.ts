import type { LogRow } from '../core/contracts.ts';

export function byHandler<Row extends LogRow>(rows: Iterable<Row>): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row.handler);
    if (group) group.push(row);
    else groups.set(row.handler, [row]);
  }
  return groups;
}
