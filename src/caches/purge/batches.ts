interface Limits {
  readonly works: number;
  readonly bytes: number;
  /** The bytes that a work takes. */
  readonly cost: (work: string) => number;
}

/**
 * Works in batches, each for one request, and in each a work once. Nothing is read ahead: there may be a million
 * works. One that is larger than the limit is a batch of its own.
 */
export function* batches(
  works: Iterable<string | readonly string[]>,
  limits: Limits,
): Generator<readonly string[], undefined> {
  let batch = new Set<string>();
  let bytes = 0;
  for (const part of works) {
    for (const work of typeof part === 'string' ? [part] : part) {
      if (batch.has(work)) continue;
      const cost = limits.works > 1 ? limits.cost(work) : 0;
      if (batch.size === limits.works || (batch.size > 0 && bytes + cost > limits.bytes)) {
        yield [...batch];
        batch = new Set();
        bytes = 0;
      }
      batch.add(work);
      bytes += cost;
    }
  }
  if (batch.size > 0) yield [...batch];
}
