import type { LogRow } from '../core/contracts.ts';
import type { Step } from '../core/target-cache.ts';
import { type BatchOutcome, clearBatch } from './batch.ts';
import { keepFailing, type RoundParts } from './keep-failing.ts';

/** Clears rows of one handler for the first time. Those that fail are kept for a retry. */
export async function clearRows(
  handler: string,
  step: Step,
  rows: readonly LogRow[],
  parts: RoundParts,
): Promise<BatchOutcome> {
  const { name, cache, observe } = parts;
  const outcome = await clearBatch(step, rows, cache, { secondFollows: true });
  await keepFailing(outcome.failures, parts);
  const invalid = outcome.invalid.map((failure) => ({ ...failure, known: false }));
  const kept = new Set(invalid.map(({ id }) => id));
  const cleared = outcome.cleared.filter((id) => !kept.has(id));
  observe({ kind: 'batch-done', handler, consumer: name, ...outcome, cleared, invalid });
  return outcome;
}
