import type { TransactionSnapshot } from '../core/consumer-contract.ts';

/**
 * Rows that settle together: a range of the log, and rows that failed before. They are in their grace while a
 * transaction is open that was open when they had been claimed: it may have skipped its insert because the
 * entry "is queued already", so that its change has no entry of its own. A transaction that was PREPARED has
 * lost its virtual id and is still undecided. So the grace also waits for those that are prepared when the
 * virtual ids are gone.
 */
export interface Cohort {
  /** Its range of the log ends with this id, and begins where that of the cohort before ends. */
  readonly upTo: number;
  /** The numbers of its rows in uncached.failing. */
  readonly failing: readonly number[];
  /** The cache as a whole is wiped again with it. */
  readonly wipes: boolean;
  /** When the snapshot was made that noted its transactions, by the server's clock. */
  readonly at: string;
  /** The transactions that the grace waits for; empty when it is over. */
  readonly waitsFor: ReadonlySet<string>;
  /** Whether it still waits for virtual ids, or already for prepared transactions. */
  readonly phase: 'virtual' | 'prepared';
}

export function beginCohort(
  rows: Pick<Cohort, 'upTo' | 'failing' | 'wipes'>,
  { at, virtual, prepared }: TransactionSnapshot,
): Cohort {
  return virtual.length > 0
    ? { ...rows, at, waitsFor: new Set(virtual), phase: 'virtual' }
    : { ...rows, at, waitsFor: new Set(prepared), phase: 'prepared' };
}

/** What it still waits for, by a later snapshot. */
export function advanceCohort(cohort: Cohort, seen: TransactionSnapshot): Cohort {
  const { waitsFor, phase } = cohort;
  const left = new Set(seen[phase].filter((one) => waitsFor.has(one)));
  // A snapshot lists virtual ids first and prepared transactions after: one that is missing from the first
  // list because it was prepared is in the second.
  if (phase === 'virtual' && left.size === 0)
    return { ...cohort, phase: 'prepared', waitsFor: new Set(seen.prepared) };
  return { ...cohort, waitsFor: left };
}

/** More cohorts than this are not kept, however many transactions overlap. */
const mostCohorts = 100;

/**
 * Merges neighbours that wait for the same transactions, so that their number depends on the transactions and
 * not on the events since; and beyond a limit the youngest ones. The merged cohort has the later snapshot: what
 * was open at the earlier one and still is, both wait for.
 */
export function mergeCohorts(cohorts: readonly Cohort[]): Cohort[] {
  const merged: Cohort[] = [];
  for (const cohort of cohorts) {
    const before = merged.at(-1);
    if (before && (merged.length > mostCohorts || waitAlike(before, cohort)))
      merged.splice(-1, 1, mergeTwo(before, cohort));
    else merged.push(cohort);
  }
  return merged;
}

function waitAlike(one: Cohort, other: Cohort): boolean {
  return (
    one.phase === other.phase &&
    one.waitsFor.size === other.waitsFor.size &&
    [...one.waitsFor].every((transaction) => other.waitsFor.has(transaction))
  );
}

function mergeTwo(earlier: Cohort, later: Cohort): Cohort {
  return {
    ...later,
    failing: [...earlier.failing, ...later.failing],
    wipes: earlier.wipes || later.wipes,
    at: earlier.at > later.at ? earlier.at : later.at,
  };
}
