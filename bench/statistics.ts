export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.slice(Math.floor((sorted.length - 1) / 2), Math.floor(sorted.length / 2) + 1);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

/** Runs each in turn, A B A B, so that what else goes on in the machine meets all alike. */
export async function interleaved<Result>(
  rounds: number,
  contestants: Readonly<Record<string, () => Promise<Result>>>,
  say: (line: string) => void,
): Promise<Record<string, Result[]>> {
  const results: Record<string, Result[]> = {};
  for (let round = 1; round <= rounds; round++) {
    for (const [name, run] of Object.entries(contestants)) {
      const result = await run();
      results[name] = [...(results[name] ?? []), result];
      say(`  ${round}/${rounds} ${name}: ${JSON.stringify(result, rounded)}`);
    }
  }
  return results;
}

export function rounded(_name: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value;
}
