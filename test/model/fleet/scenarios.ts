import type { Transaction } from '../producer.ts';
import type { Statement } from '../statement.ts';
import { followerAtStart } from './follower.ts';
import type { ClaimPlan, ConsumerPlan, Scenario } from './plan.ts';
import type { WriterPlan } from './writer.ts';

const web1: ConsumerPlan = { name: 'web1' };
const web2: ConsumerPlan = { name: 'web2' };
const proxy: ConsumerPlan = { name: 'proxy', behind: 0 };
const fenced: WriterPlan = { kind: 'fenced', into: 0 };
const unfenced: WriterPlan = { kind: 'unfenced', into: 0 };
const request: WriterPlan = { kind: 'unfenced', into: 1, asks: 'the inner cache' };
const inserts: Transaction = { statements: ['change', 'insert'] };
const skips: Transaction = { statements: ['on conflict do nothing', 'change'] };
const sees: Transaction = { statements: ['insert where not exists', 'change'] };

/** One node, one cache. */
const alone: Scenario = {
  transactions: [],
  writers: [],
  consumers: [web1],
  claims: [{ node: 0, of: 'the key' }],
};
const queued: Scenario = { ...alone, queued: true };

/** Two transactions, with change and entry in either order, and one render. */
export function bothOrders(enqueue: readonly Statement[], kind: WriterPlan['kind'] = 'fenced'): Scenario {
  const transactions = [
    { statements: ['change', ...enqueue] },
    { statements: [...enqueue, 'change'] },
  ] as const;
  return { ...alone, transactions, writers: [{ kind, into: 0 }] };
}

export const inserting = bothOrders(['insert']);
export const insertingUnfenced = bothOrders(['insert'], 'unfenced');
export const skipping = bothOrders(['on conflict do nothing']);
export const skippingUnfenced = bothOrders(['on conflict do nothing'], 'unfenced');
/** Its rows come from its own claims. */
export const seeing: Scenario = { ...bothOrders(['insert where not exists']), feeds: true };
export const preparing: Scenario = {
  ...skipping,
  transactions: [{ statements: ['change', 'on conflict do nothing'] }, { ...skips, prepares: true }],
};

export const crashing: Scenario = { ...queued, crashes: [0] };
export const skippingInCrash: Scenario = { ...crashing, transactions: [skips], writers: [fenced] };
export const insertingInCrash: Scenario = { ...crashing, transactions: [inserts], writers: [unfenced] };
export const databaseCrash: Scenario = { ...queued, databaseCrashes: true };
export const failing: Scenario = { ...skippingInCrash, failures: [0] };
export const bothCrash: Scenario = { ...skippingInCrash, databaseCrashes: true };

/** Another node claims side by side, and something else. */
const another: ClaimPlan = { node: 2, of: 'another key' };
export const sideBySide: Scenario = { ...queued, claims: [{ node: 1, of: 'the key' }, another], others: 1 };
/** The node claims one key while another node claims the key that the page shows. */
export const feeding: Scenario = {
  ...sideBySide,
  claims: [
    { node: 1, of: 'the key' },
    { node: 0, of: 'another key' },
  ],
  feeds: true,
};
export const orphaned: Scenario = {
  ...skippingInCrash,
  claims: [...alone.claims, { node: 1, of: 'the key' }],
};

/** Two independent caches. One of them may be behind. */
export const behind: Scenario = { ...queued, consumers: [web1, web2], trims: true };
export const seeingBehind: Scenario = { ...behind, transactions: [sees], writers: [fenced] };
/** A second node comes while the first one claims. */
export const waking: Scenario = {
  ...queued,
  consumers: [web1, { ...web2, starts: 'unknown' }],
  feeds: true,
  wakes: true,
};

/** What a cache missed while it had expired is trimmed. */
const expiring: Scenario = { ...alone, expiries: [0], trims: true };
export const returning: Scenario = { ...expiring, queued: true, crashes: [0] };
export const insertingOnReturn: Scenario = { ...expiring, transactions: [inserts], writers: [fenced] };
export const crashingOnReturn: Scenario = { ...insertingOnReturn, writers: [unfenced], crashes: [0] };
export const seeingOnReturn: Scenario = {
  ...returning,
  transactions: [sees],
  writers: [fenced],
  crashes: [],
};
export const joining: Scenario = {
  ...insertingOnReturn,
  consumers: [{ ...web1, starts: 'unknown' }],
  claims: [{ node: 1, of: 'the key' }],
};

/** Two daemons of one root. */
export const standby: Scenario = {
  ...joining,
  writers: [unfenced],
  followers: [
    { node: 0, consumer: 0 },
    { node: 1, consumer: 0, down: true },
  ],
  claims: [{ node: 2, of: 'the key' }],
  expiries: [],
  crashes: [1],
};
/**
 * The first of them hangs just before it calls the cache live. Since it wiped, a render has begun and a change
 * has been committed.
 */
export const hanging: Scenario = {
  ...standby,
  transactions: [],
  queued: true,
  start: {
    pages: ['absent'],
    writers: [{ is: 'rendering', read: 'stale' }],
    consumers: [{ is: 'wiping', settledTo: 0, registration: 1 }],
    followers: [
      {
        ...followerAtStart,
        is: 'up',
        registration: 1,
        cohorts: [{ from: 0, to: 0, stage: 'cleared', wipes: true, found: false, noted: [], renders: [] }],
      },
      followerAtStart,
    ],
  },
};

/** An outer cache, followed by a daemon of its own. */
export const outer: Scenario = { ...queued, consumers: [web1, proxy], writers: [request] };
export const outerInserting: Scenario = {
  ...outer,
  transactions: [inserts],
  writers: [unfenced, request],
  queued: false,
};
/** One of two pages that the outer cache stores is rendered for it alone. */
export const outerRendering: Scenario = {
  ...outerInserting,
  writers: [request, { kind: 'unfenced', into: 1 }],
};
export const outerSkipping: Scenario = { ...outer, transactions: [skips] };
export const outerAlone: Scenario = {
  ...outerSkipping,
  consumers: [{ ...web1, starts: 'unknown' }, proxy],
  followers: [{ node: 0, consumer: 1 }],
};
export const outerCrashing: Scenario = { ...outer, crashes: [0, 1] };
export const innerFailing: Scenario = { ...outer, failures: [0] };
export const innerReturning: Scenario = { ...outer, expiries: [0], trims: true };
export const outerReturning: Scenario = { ...outer, expiries: [1], trims: true };
