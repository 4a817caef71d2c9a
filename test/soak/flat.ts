/** How much higher the last third of a run may be than the one before it. */
export interface Allowance {
  /** Of the second third, such as 0.05. */
  readonly share: number;
  /** In the unit of the series. */
  readonly more: number;
}

export interface Verdict {
  /** Undefined: there are too few samples to tell. */
  readonly flat: boolean | undefined;
  /** Of the second third and of the last one. */
  readonly medians: readonly [number, number];
  readonly samples: number;
}

/** Fewer say nothing: a third of them would be the samples of one moment. */
const fewest = 120;

/**
 * Whether a series of samples stays flat: the median of the last third is at most so much above the median of the
 * second third. The first third is the start, when caches and pools fill. A leak goes on, so it is in the medians,
 * which peaks of a moment are not.
 */
export function judgeFlat(series: readonly number[], { share, more }: Allowance): Verdict {
  const third = Math.floor(series.length / 3);
  const medians = [
    median(series.slice(third, 2 * third)),
    median(series.slice(series.length - third)),
  ] as const;
  const [before, after] = medians;
  return {
    flat: series.length < fewest ? undefined : after <= before * (1 + share) + more,
    medians,
    samples: series.length,
  };
}

function median(series: readonly number[]): number {
  const sorted = [...series].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return ((low ?? 0) + (high ?? 0)) / 2;
}
