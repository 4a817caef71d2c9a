export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.slice(Math.floor((sorted.length - 1) / 2), Math.floor(sorted.length / 2) + 1);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

/** The median of each round's ratio. Other load on the machine affects both sides of a ratio. */
export function ratio(above: readonly number[], below: readonly number[]): number {
  return median(above.slice(0, below.length).map((value, round) => value / (below[round] ?? Number.NaN)));
}

/**
 * Runs each in turn, so that other load on the machine affects all alike, and every second round backwards (A B, B A):
 * a load that grows or fades, or what the one leaves to the next, favours neither.
 */
export async function interleaved<Result, Name extends string>(
  rounds: number,
  contestants: Readonly<Partial<Record<Name, () => Promise<Result>>>>,
  say: (line: string) => void,
): Promise<Partial<Record<Name, Result[]>>> {
  const results: Partial<Record<Name, Result[]>> = {};
  for (let round = 1; round <= rounds; round++) {
    const all = Object.entries(contestants) as [Name, () => Promise<Result>][];
    for (const [name, run] of round % 2 === 1 ? all : all.toReversed()) {
      const result = await run();
      results[name] = [...(results[name] ?? []), result];
      say(`  ${round}/${rounds} ${name}: ${JSON.stringify(result, rounded)}`);
    }
  }
  return results;
}

function rounded(_name: string, value: unknown): unknown {
  return Array.isArray(value)
    ? value.length
    : typeof value === 'number'
      ? Number(value.toPrecision(4))
      : value;
}
