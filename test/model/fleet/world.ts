import type { Model, Step } from '../explore.ts';
import { type Producer, producerAtStart } from '../producer.ts';
import type { Page, Row } from '../world.ts';
import { type Claim, claimAtStart, claimSteps } from './claim.ts';
import { graceSteps } from './cohort.ts';
import { crashSteps } from './crash.ts';
import { type Database, databaseSteps } from './database.ts';
import { type FailingRow, retrySteps } from './failing.ts';
import { type Follower, followerAtStart, followerSteps, hasWork } from './follower.ts';
import { type LogRow, newest, trimSteps } from './log.ts';
import { type Consumer, consumerAtStart, expirySteps } from './membership.ts';
import type { FollowerPlan, Scenario, Setup } from './plan.ts';
import { producerSteps } from './producer.ts';
import type { Protocol } from './protocol.ts';
import { settlingSteps } from './settling.ts';
import { type Writer, writerAtStart, writerSteps } from './writer.ts';

/**
 * Producers, claims, the log, and the consumers that follow it. Each consumer has a page of its own that shows
 * the one datum. What ../world.ts says about pages, statements and time holds here, too; and beyond that:
 * - Deleting temps and pages is one step (test/page-cache explores how they are listed and deleted).
 * - A claim may begin whenever there are entries, on any node. What wakes it is in ../daemon.ts.
 * - Another key, of another queue table, is only there to give out ids. No page shows it.
 * - A transaction that registers, trims, expires or advances is one step. None of them waits within.
 */
export interface World {
  readonly pages: readonly Page[];
  readonly queue: readonly Row[];
  /** Committed entries of another key. */
  readonly others: number;
  readonly log: readonly LogRow[];
  readonly lastId: number;
  readonly producers: readonly Producer[];
  readonly writers: readonly Writer[];
  readonly claims: readonly Claim[];
  readonly consumers: readonly Consumer[];
  readonly followers: readonly Follower[];
  readonly failing: readonly FailingRow[];
  readonly crashesLeft: readonly number[];
  readonly expiriesLeft: readonly number[];
  readonly failuresLeft: readonly number[];
  readonly database: Database;
}

export function world(scenario: Scenario, protocol: Protocol): Model<World> {
  const followers: readonly FollowerPlan[] =
    scenario.followers ?? scenario.consumers.map((_, at) => ({ node: at, consumer: at }));
  const setup = { ...scenario, followers, protocol };
  const isLive = (consumer: number) => (scenario.consumers[consumer]?.starts ?? 'live') === 'live';
  const queue: Row[] = scenario.queued ? [{ is: 'there', by: -1, read: false }] : [];
  const consumers = scenario.consumers.map(({ starts = 'live' }) => ({ ...consumerAtStart, is: starts }));
  const others = scenario.others ?? 0;
  const start: World = {
    pages: scenario.consumers.map((_, at) => {
      if (followers.every(({ consumer }) => consumer !== at)) return 'absent';
      return scenario.queued || !isLive(at) ? 'stale' : 'fresh';
    }),
    queue,
    others,
    log: [],
    lastId: 0,
    producers: scenario.transactions.map(() => producerAtStart),
    writers: scenario.writers.map(() => writerAtStart),
    claims: scenario.claims.map(() => claimAtStart),
    consumers,
    followers: followers.map(({ consumer, down }) => ({
      ...followerAtStart,
      is: isLive(consumer) && !down ? 'up' : 'down',
    })),
    failing: [],
    crashesLeft: scenario.crashes ?? [],
    expiriesLeft: scenario.expiries ?? [],
    failuresLeft: scenario.failures ?? [],
    database: { is: scenario.databaseCrashes ? 'mortal' : 'safe', disk: [] },
    ...scenario.start,
  };
  return {
    start,
    next: (state) => steps(state, setup),
    broken: (state, quiet) => broken(state, quiet, setup),
  };
}

function* steps(state: World, setup: Setup): Generator<Step<World>> {
  for (const who of state.producers.keys()) yield* producerSteps(state, who, setup);
  for (const who of state.claims.keys()) yield* claimSteps(state, who, setup);
  for (const who of state.followers.keys()) {
    yield* followerSteps(state, who, setup);
    yield* retrySteps(state, who, setup);
    yield* graceSteps(state, who, setup);
    yield* settlingSteps(state, who, setup);
  }
  yield* crashSteps(state, setup);
  yield* expirySteps(state, setup);
  if (setup.trims) yield* trimSteps(state, setup.protocol);
  yield* databaseSteps(state, setup);
  for (const who of state.writers.keys()) yield* writerSteps(state, who, setup);
}

/** No actor is obliged to start anything, so an error while all are idle may last forever. */
function broken(state: World, quiet: boolean, setup: Setup): string | undefined {
  if (!resting(state, setup)) return quiet ? 'a dead end: something waits for ever' : undefined;
  if (state.followers.some(({ seen }) => seen < newest(state.log))) return 'a row of the log is asleep';
  if (state.consumers.some(({ is, settledTo }) => is === 'live' && settledTo < newest(state.log)))
    return 'a row of the log is never settled';
  if (state.pages.includes('stale')) return 'a page is stale and nobody knows';
  return undefined;
}

function resting(state: World, setup: Setup): boolean {
  const { producers, writers, claims, followers, queue, others } = state;
  return (
    queue.length + others === 0 &&
    claims.every(({ is }) => is === 'idle') &&
    producers.every(({ is }) => is === 'not begun' || is === 'ended') &&
    writers.every(({ is }) => is === 'not begun' || is === 'ended') &&
    [...followers.keys()].every((who) => !hasWork(state, who, setup))
  );
}
