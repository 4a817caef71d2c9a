import type { HandlerRows } from '../core/consumer-contract.ts';
import type { LogRow } from '../core/contracts.ts';
import { clearBatch } from './batch.ts';
import { byHandler } from './by-handler.ts';
import type { Cohort } from './cohort.ts';
import { keepFailing, type RoundParts } from './keep-failing.ts';
import type { Position } from './settling.ts';
import { areTooMany, mayBeTooMany, sayTooMany } from './too-many.ts';

/** The consumer has expired, or its rows have changed under it: it must begin again. */
export class Outdated extends Error {
  override name = 'Outdated';
}

/**
 * Rows cleared at a time. In a larger part more rows have the same key, which is then cleared once. It is
 * bounded, since these rows are in memory.
 */
function settleLimit(batch: number): number {
  return Math.min(batch * 20, 20_000);
}

/**
 * Clears a part of a cohort for the second time: of the log, then of the rows that failed before, and at last
 * what is to be wiped with it. First clearings go first: their pages are stale, while those of second
 * clearings are most likely gone. Undefined: that was the last part.
 */
export async function clearCohort(
  cohort: Cohort,
  position: Position,
  parts: RoundParts,
): Promise<Position | undefined> {
  const { failing } = parts.log;
  const isMore = cohort.failing.length > 0 || cohort.wipes;
  if (position.settledTo < cohort.upTo) {
    const settledTo = await clearPart(cohort, position.settledTo, parts);
    return settledTo < cohort.upTo || isMore ? { ...position, settledTo } : undefined;
  }
  const rows = cohort.failing.length > 0 ? await failing.inCohorts(cohort.failing, position.retried) : [];
  const last = rows.at(-1);
  if (last) {
    const { cleared, gone } = await clearAgain(rows, parts, { again: true });
    // Before they are deleted: what dies in between begins again.
    await parts.onRetried(cleared);
    await failing.remove(gone, cohort.failing);
    return { ...position, retried: last.id };
  }
  if (cohort.wipes) await parts.wipe();
  return undefined;
}

async function clearPart({ upTo, at }: Cohort, from: number, parts: RoundParts): Promise<number> {
  const rows: LogRow[] = [];
  let end = from;
  const range = { after: from, upTo };
  const wipes = mayBeTooMany(range, parts) && (await areTooMany(range, parts));
  let passed = 0;
  while (end < upTo && rows.length < settleLimit(parts.batch)) {
    const part = await parts.log.readAgain({ after: end, upTo, at });
    if (part.state === undefined || part.state === 'expired') throw new Outdated('the consumer has expired');
    // A crash of the server has undone claims, and given their ids to rows that have not had their grace.
    if (part.late) throw new Outdated('rows of the log have changed');
    // None is kept, so that all of them are looked at.
    if (wipes) passed += part.groups.reduce((sum, group) => sum + group.rows.length, 0);
    else addAll(rows, part.groups);
    end = part.upTo;
  }
  if (wipes) {
    parts.observe({ kind: 'notice', text: sayTooMany(parts) });
    await parts.wipe();
    parts.observe({ kind: 'settled', rows: passed, files: 0 });
    return end;
  }
  await clearAgain(rows, parts, { again: false });
  return end;
}

function addAll(rows: LogRow[], groups: readonly HandlerRows[]): void {
  for (const group of groups) for (const row of group.rows) rows.push(row);
}

/** `cleared`: invalid ones, too, as far as they can be. `gone`: those that need not be kept. */
async function clearAgain(
  rows: readonly LogRow[],
  parts: RoundParts,
  how: { again: boolean },
): Promise<{ cleared: number[]; gone: number[] }> {
  const { name, steps, cache, log, observe } = parts;
  const all: { cleared: number[]; gone: number[] } = { cleared: [], gone: [] };
  let files = 0;
  for (const [handler, some] of byHandler(rows)) {
    const step = steps.get(handler);
    if (!step) continue;
    const outcome = await clearBatch(step, some, cache, { background: true });
    files += outcome.files;
    await keepFailing(outcome.failures, parts, how);
    if (outcome.invalid.length > 0) await log.failing.keepInvalid(outcome.invalid, how);
    const kept = new Set(outcome.invalid.map(({ id }) => id));
    const gone = outcome.cleared.filter((id) => !kept.has(id));
    for (const id of outcome.cleared) all.cleared.push(id);
    for (const id of gone) all.gone.push(id);
    // Invalid keys were reported after the first clearing.
    const invalid = outcome.invalid.map((failure) => ({ ...failure, known: true }));
    observe({ kind: 'batch-done', handler, consumer: name, ...outcome, cleared: gone, invalid });
  }
  if (rows.length > 0) observe({ kind: 'settled', rows: all.cleared.length, files });
  return all;
}
