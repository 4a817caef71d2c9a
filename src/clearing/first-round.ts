import type { LogRow } from '../core/contracts.ts';
import type { Step } from '../core/target-cache.ts';
import { type BatchOutcome, clearBatch } from './batch.ts';
import type { Deleted } from './hints.ts';
import { keepFailing, type RoundParts } from './keep-failing.ts';

/** Clears rows of one handler for the first time. Those that fail are kept for a retry. */
export async function clearRows(
  handler: string,
  step: Step,
  rows: readonly LogRow[],
  parts: RoundParts,
): Promise<BatchOutcome> {
  const { name, cache, observe, hints } = parts;
  const cleared = await clearBatch(step, rows, cache, { secondFollows: true });
  const outcome = hints ? withHints(cleared, await hints.counted(handler)) : cleared;
  await keepFailing(outcome.failures, parts);
  const invalid = outcome.invalid.map((failure) => ({ ...failure, known: false }));
  const kept = new Set(invalid.map(({ id }) => id));
  const gone = outcome.cleared.filter((id) => !kept.has(id));
  observe({ kind: 'batch-done', handler, consumer: name, ...outcome, cleared: gone, invalid });
  return outcome;
}

/** Their files are gone because of these rows, too. */
function withHints(outcome: BatchOutcome, hinted: Deleted | undefined): BatchOutcome {
  if (!hinted) return outcome;
  const { paths } = outcome;
  return {
    ...outcome,
    files: outcome.files + hinted.files,
    ...(paths && { paths: [...hinted.paths, ...paths] }),
  };
}
