import type { Step } from '../explore.ts';
import { consumerOf, type Follower, followerAtStart, followerBecomes } from './follower.ts';
import type { Setup } from './plan.ts';
import { openTransactions, preparedTransactions } from './producer.ts';
import type { World } from './world.ts';
import { unfencedRenders } from './writer.ts';

/**
 * A range of ids that settles as one: the grace, until every noted transaction has ended; the settle time,
 * until every running unfenced render has ended; of an outer cache, the inner one, and the lag, until every
 * answer on its way has arrived; the second clearing, of what the log has of the range by then; settled_to.
 */
export interface Cohort {
  readonly from: number;
  readonly to: number;
  readonly stage: 'grace' | 'prepared' | 'settling' | 'ripe' | 'cleared';
  /** It also wipes. */
  readonly wipes: boolean;
  /** For a mutation: the rows that were read must be cleared again. */
  readonly found: boolean;
  /** The noted transactions that have not ended. */
  readonly noted: readonly number[];
  /** The awaited renders that have not ended. */
  readonly renders: readonly number[];
}

/** One look serves all that was read before, whether cleared or not. */
export function* graceSteps(world: World, who: number, setup: Setup): Generator<Step<World>> {
  const { is, cohorts, seen, begun, wipes, found } = world.followers[who] ?? followerAtStart;
  if (is !== 'up') return;
  const becomes = followerBecomes(world, who, setup);
  const consumer = consumerOf(who, setup);
  const { settleStarts, prepared, looks } = setup.protocol;
  const follows = isOuter(consumer, setup) && !setup.protocol.outerGrace;
  const waits = looks !== 'never' && !follows;
  const running = unfencedRenders(world, consumer, setup);
  if (seen > begun || wipes) {
    const noted = waits ? openTransactions(world, setup.protocol) : [];
    const renders = settleStarts === 'at the look' ? running : [];
    const cohort: Cohort = { from: begun, to: seen, stage: 'grace', wipes, found, noted, renders };
    const change = { begun: seen, wipes: false, found: false, cohorts: [...cohorts, cohort] };
    yield becomes(`notes open transactions: ${listed(noted)}`, change);
  }
  const looksLater = waits && prepared === 'noted in a later look' && mayPrepare(setup);
  for (const [index, cohort] of cohorts.entries()) {
    if ((cohort.stage !== 'grace' && cohort.stage !== 'prepared') || cohort.noted.length > 0) continue;
    const now = (label: string, change: Partial<Cohort>) =>
      becomes(label, { cohorts: cohorts.with(index, { ...cohort, ...change }) });
    if (cohort.stage === 'grace' && looksLater) {
      const noted = preparedTransactions(world);
      yield now(`notes prepared transactions: ${listed(noted)}`, { stage: 'prepared', noted });
    } else {
      const renders = settleStarts === 'at the end of the grace' && !follows ? running : cohort.renders;
      yield now('grace is over', { stage: isOuter(consumer, setup) ? 'settling' : 'ripe', renders });
    }
  }
}

function isOuter(consumer: number, { consumers, protocol }: Setup): boolean {
  return consumers[consumer]?.behind !== undefined && protocol.outer !== 'nobody';
}

function mayPrepare({ transactions }: Setup): boolean {
  return transactions.some(({ prepares }) => prepares);
}

function listed(noted: readonly number[]): string {
  return noted.map((who) => who + 1).join(' and ') || 'none';
}

export function everyCohort(
  followers: readonly Follower[],
  change: (cohort: Cohort) => Cohort,
): readonly Follower[] {
  return followers.map((follower) => ({ ...follower, cohorts: follower.cohorts.map(change) }));
}
