/** A table of Markdown; nothing if it has no rows. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '--:'))), ...rows.map(line)].join(
    '\n',
  );
}

/** Nothing if it was not measured. */
export function short(value: number, digits = 2): string {
  if (!Number.isFinite(value)) return '';
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(digits);
}
