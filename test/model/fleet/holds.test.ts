import { expect, test } from 'vitest';
import { explore } from '../explore.ts';
import { styles } from '../scenarios.ts';
import type { Scenario } from './plan.ts';
import { designed, type Protocol } from './protocol.ts';
import * as scenarios from './scenarios.ts';
import { type World, world } from './world.ts';

const { bothOrders } = scenarios;
const asRow = { wipe: 'a row of the log' } as const;

for (const [style, enqueue] of Object.entries(styles))
  for (const writer of ['fenced', 'unfenced'] as const)
    holds(`${style}, ${writer} writer`, bothOrders(enqueue, writer));

holds('a prepared transaction', scenarios.preparing);
holds('a crash, a producer that skips', scenarios.skippingInCrash);
holds('a crash, an unfenced writer', scenarios.insertingInCrash);
holds('a row that fails, and a crash', scenarios.failing);
holds('a crash of PostgreSQL', scenarios.databaseCrash);
holds('a crash of PostgreSQL and one of the daemon', scenarios.bothCrash);

holds('two claims side by side', scenarios.sideBySide);
holds('a claim that feeds its own consumer', scenarios.feeding);
holds('a claim whose daemon has died', scenarios.orphaned);
holds('a cache that is behind another', scenarios.behind);
holds('a producer that skips, and a cache behind another', scenarios.seeingBehind);
holds('a node that joins while another claims', scenarios.waking);

for (const [how, wipe] of [
  ['', {}],
  [', wiping by a row of the log', asRow],
] as const) {
  holds(`a cache that returns, and a crash${how}`, scenarios.returning, wipe);
  holds(`a change while a cache returns${how}`, scenarios.insertingOnReturn, wipe);
  holds(`a change and a crash while a cache returns${how}`, scenarios.crashingOnReturn, wipe);
  holds(`a producer that skips while a cache returns${how}`, scenarios.seeingOnReturn, wipe);
  holds(`a new cache that expires${how}`, scenarios.joining, wipe);
  holds(`an inner cache that returns${how}`, scenarios.innerReturning, wipe);
  holds(`an outer cache that returns${how}`, scenarios.outerReturning, wipe);
}
holds('two daemons of one root, one of them hanging', scenarios.hanging);

holds('an outer cache', scenarios.outerInserting);
holds('an outer cache, and a page rendered for it alone', scenarios.outerRendering);
holds('an outer cache, a producer that skips', scenarios.outerSkipping);
holds('an outer cache with nothing registered behind it', scenarios.outerAlone);
holds('an outer cache, crashes of both daemons', scenarios.outerCrashing);
holds('an outer cache, a row that fails at the inner one', scenarios.innerFailing);

if (process.env.MODEL === 'long') {
  const { seeingOnReturn, innerReturning, innerFailing, outer, standby, orphaned, feeding } = scenarios;
  for (const [how, wipe] of [
    ['', {}],
    [', wiping by a row of the log', asRow],
  ] as const) {
    holds(
      `a crash of PostgreSQL while a cache returns${how}`,
      { ...seeingOnReturn, databaseCrashes: true },
      wipe,
    );
    holds(`an inner cache that returns twice${how}`, { ...innerReturning, expiries: [0, 0] }, wipe);
    holds(`both caches return${how}`, { ...innerReturning, expiries: [0, 1] }, wipe);
    holds(
      `a row fails at an inner cache that returns${how}`,
      { ...innerFailing, expiries: [0], trims: true },
      wipe,
    );
    holds(`two daemons of one root, both crash${how}`, { ...standby, crashes: [0, 1] }, wipe);
    holds(`two daemons of one root that expires${how}`, { ...standby, crashes: [], expiries: [0] }, wipe);
  }
  holds('a row fails at an inner cache, and a crash', { ...innerFailing, crashes: [0] });
  holds('rows fail at both caches', { ...innerFailing, failures: [0, 1] });
  holds('an outer cache and a crash of PostgreSQL', { ...outer, databaseCrashes: true, expiries: [0] });
  holds('a claim whose daemon has died, fed', { ...orphaned, feeds: true });
  holds('a cache that expires while it is fed', { ...feeding, expiries: [0], trims: true });
  holds('a crash of PostgreSQL, fed', {
    ...feeding,
    transactions: scenarios.outerSkipping.transactions,
    writers: scenarios.skipping.writers,
    databaseCrashes: true,
  });
}

reaches('a claim appends while another has not committed', 'never', scenarios.sideBySide, ({ log }) => {
  return log.filter(({ by }) => by !== -1).length > 1;
});
reaches('two cohorts settle at once', 'yes', scenarios.insertingInCrash, ({ followers }) => {
  return followers.some(({ cohorts }) => cohorts.filter(({ stage }) => stage === 'ripe').length > 1);
});
reaches(
  'an expired cache is about to settle',
  'yes',
  scenarios.seeingOnReturn,
  ({ consumers, followers }) => {
    return consumers[0]?.is === 'expired' && followers[0]?.cohorts[0]?.stage === 'cleared';
  },
);
reaches('an id is given out a second time', 'yes', scenarios.databaseCrash, ({ database, log }) => {
  return database.is === 'recovered' && log.some(({ by }) => by !== -1);
});

function holds(name: string, scenario: Scenario, change: Partial<Protocol> = {}): void {
  test(`never stale, never lost, no dead end: ${name}`, { timeout: 600_000 }, () => {
    const verdict = explore(world(scenario, { ...designed, ...change }), 3_000_000);
    expect(verdict).toMatchObject({ holds: true });
    console.info(`${verdict.states} states`);
  });
}

/** Whether the world is large enough for something, or too orderly. */
function reaches(
  what: string,
  does: 'yes' | 'never',
  scenario: Scenario,
  seen: (state: World) => boolean,
): void {
  test(`${does === 'yes' ? 'it happens' : 'it never happens'} that ${what}`, () => {
    const model = world(scenario, designed);
    const verdict = explore({ ...model, broken: (state) => (seen(state) ? 'seen' : undefined) });
    expect(verdict.holds).toBe(does === 'never');
  });
}
