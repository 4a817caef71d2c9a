import type { FailingRowsOfConsumer, RowFailure } from '../core/consumer-contract.ts';
import type { ConsumerParts } from './consumer-parts.ts';
import type { Hints } from './hints.ts';

/** What a round of clearing needs, besides. */
export interface RoundParts extends ConsumerParts {
  readonly hints?: Hints;
  /** There may be rows to retry. */
  readonly onFailing: () => void;
  /** Rows that failed are cleared, or settled: what stands behind this cache must be cleared after them. */
  readonly onRetried: (ids: readonly number[]) => Promise<void>;
}

/** Keeps rows that failed until their retry. They may have been kept although the answer is lost. */
export async function keepFailing(
  failures: readonly RowFailure[],
  { log, onFailing }: Pick<RoundParts, 'log' | 'onFailing'>,
  how?: Parameters<FailingRowsOfConsumer['add']>[1],
): Promise<void> {
  if (failures.length === 0) return;
  try {
    await log.failing.add(failures, how);
  } finally {
    onFailing();
  }
}
