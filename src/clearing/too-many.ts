import type { ConsumerLog, IdRange } from '../core/consumer-contract.ts';
import type { TargetCache } from '../core/target-cache.ts';

interface Parts {
  readonly name: string;
  readonly cache: Pick<TargetCache, 'wipesOver'>;
  readonly log: Pick<ConsumerLog, 'count'>;
}

/** Whether a range of the log is long enough to have more rows than the cache clears one by one. */
export function mayBeTooMany(
  { after, upTo }: IdRange,
  { cache: { wipesOver } }: Pick<Parts, 'cache'>,
): boolean {
  return wipesOver !== undefined && Number.isFinite(upTo) && upTo - after > wipesOver;
}

/** Whether it has: rows of handlers that clear nothing there do not count. */
export async function areTooMany(range: IdRange, { cache: { wipesOver = 0 }, log }: Parts): Promise<boolean> {
  return (await log.count({ ...range, most: wipesOver + 1 })) > wipesOver;
}

export function sayTooMany({ name, cache: { wipesOver } }: Parts): string {
  return `${name} has over ${wipesOver} rows to clear: all of it is cleared instead`;
}
