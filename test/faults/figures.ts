import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** Milliseconds of recovery for each fault. */
export type Recoveries = ReadonlyMap<string, readonly number[]>;

const begin = '<!-- faults: begin -->';
const end = '<!-- faults: end -->';

export function toTable(recoveries: Recoveries): string {
  const all = [...recoveries.values()].flat();
  const rows = [...recoveries].map(([fault, times]) => row(fault, times));
  return [
    '| fault | times | median | p99 | longest |',
    '|---|--:|--:|--:|--:|',
    ...rows.sort(),
    row('**all**', all),
  ].join('\n');
}

function row(fault: string, times: readonly number[]): string {
  const figures = [quantile(times, 0.5), quantile(times, 0.99), Math.max(...times)].map(inSeconds);
  return `| ${fault} | ${times.length} | ${figures.join(' | ')} |`;
}

export function quantile(times: readonly number[], part: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

function inSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

/** Replaces only the text between the markers. Adds a section with markers if the file has none. */
export function publish(file: string, text: string): void {
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '# Reliability\n';
  const section = `${begin}\n${text}\n${end}`;
  const from = before.indexOf(begin);
  const to = before.indexOf(end);
  const after =
    from < 0 || to < from
      ? `${before.trimEnd()}\n\n## Faults and recovery\n\n${section}\n`
      : before.slice(0, from) + section + before.slice(to + end.length);
  writeFileSync(file, after);
}
