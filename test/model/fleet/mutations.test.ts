import { expect, test } from 'vitest';
import { explore } from '../explore.ts';
import type { Scenario } from './plan.ts';
import { designed, type Protocol } from './protocol.ts';
import * as scenarios from './scenarios.ts';
import { world } from './world.ts';

/**
 * Every simplification is proved wrong, in a scenario in which the protocol holds. counterexamples/ describes
 * the shortest path to harm in plain words.
 */
const stale = 'a page is stale and nobody knows';
const asleep = 'a row of the log is asleep';
const unsettled = 'a row of the log is never settled';
const stuck = 'a dead end: something waits for ever';
const asRow = { wipe: 'a row of the log' } as const;

convicts('no append lock', stale, scenarios.sideBySide, { appends: 'side by side' });
convicts('own rows taken over a hole, and remembered', stale, scenarios.feeding, {
  feeds: 'always',
  range: 'what was read',
});
convicts('a hole sought in the snapshot of the claim, and rows remembered', stale, scenarios.feeding, {
  feeds: 'if its snapshot shows no row between',
  range: 'what was read',
});
convicts('nodes notified that the snapshot of the claim shows', asleep, scenarios.waking, {
  notifies: 'nodes in its snapshot',
});

convicts('no grace', stale, scenarios.skipping, { looks: 'never' });
convicts('transactions noted inside the claim', stale, scenarios.seeing, { looks: 'inside the claim' });
convicts('transactions noted by xid only', stale, scenarios.skipping, { notes: 'transaction ids' });
convicts('prepared transactions ignored', stale, scenarios.preparing, { prepared: 'ignored' });
convicts('prepared transactions noted in the same look', stale, scenarios.preparing, {
  prepared: 'noted in the same look',
});
convicts('no second clearing', stale, scenarios.skipping, { secondClearing: false });
convicts('no second clearing, unfenced', stale, scenarios.insertingUnfenced, { secondClearing: false });
convicts('no settle time, unfenced', stale, scenarios.insertingUnfenced, { settleStarts: 'never' });
convicts('settle time from the claim', stale, scenarios.skippingUnfenced, { settleStarts: 'at the look' });
convicts('range read again to the newest id', stale, scenarios.insertingInCrash, {
  range: 'to the newest id',
});
convicts('settled_to before the second clearing', stale, scenarios.crashing, {
  advances: 'before the second clearing',
});
convicts('begun at the cursor in memory', stale, scenarios.databaseCrash, {
  afterOutage: 'begins at its cursor',
});
convicts('cohorts remembered over an outage', unsettled, scenarios.databaseCrash, {
  afterOutage: 'goes on with its cohorts',
});
convicts('cohorts remembered over an outage, and a crash', stale, scenarios.bothCrash, {
  afterOutage: 'goes on with its cohorts',
});

convicts('trimmed ahead of the slowest', stale, scenarios.behind, { trims: 'to the fastest' });
convicts('state not read with the log', stale, scenarios.returning, { reads: 'state at the start only' });
convicts('wiped before it registers', stale, scenarios.insertingOnReturn, { returns: 'wipes, registers' });
convicts('no wipe on return', stale, scenarios.returning, { returns: 'registers' });
convicts('live before it has wiped', stale, scenarios.returning, { live: 'at once' });
convicts('settled before it has wiped, by a row of the log', stale, scenarios.returning, {
  ...asRow,
  live: 'at once',
});
convicts('live when it has wiped once', stale, scenarios.crashingOnReturn, { live: 'after the first wipe' });
convicts('registered at the last id given out', stale, scenarios.seeingOnReturn, {
  registers: 'at the last id given out',
});
convicts('registered at the newest row of a trimmed log', stuck, scenarios.innerReturning, {
  registers: 'at the newest row',
});
convicts('live although it has expired', stale, scenarios.joining, { callsLive: 'whatever is there' });
convicts('live by a daemon that hung', stale, scenarios.hanging, { callsLive: 'what has not expired' });

convicts('the outer cache before the inner', stale, scenarios.outer, { outer: 'nobody' });
convicts('no lag before the outer cache', stale, scenarios.outer, { outer: 'the inner cache' });
convicts('no grace for an outer cache alone', stale, scenarios.outerAlone, { outerGrace: false });
convicts('an inner cache that is being wiped counts as settled', stale, scenarios.innerReturning, {
  wiping: 'is settled',
});
convicts('the outer cache goes on when the inner returns', stale, scenarios.innerReturning, {
  innerReturns: 'outer goes on',
});
convicts('the outer cache goes on, wiping by a row of the log', stale, scenarios.innerReturning, {
  ...asRow,
  innerReturns: 'outer goes on',
});
convicts('a retry behind an outer cache', stale, scenarios.innerFailing, {
  retries: 'settle for themselves',
});

/** Other harm that comes earlier is passed over. */
function convicts(name: string, harm: string, scenario: Scenario, change: Partial<Protocol>): void {
  test(`a counterexample: ${name}`, { timeout: 600_000 }, async () => {
    const model = world(scenario, { ...designed, ...change });
    const broken = (state: typeof model.start, quiet: boolean) => {
      const found = model.broken(state, quiet);
      return found === harm ? found : undefined;
    };
    const verdict = explore({ ...model, broken });
    if (verdict.holds) expect.fail(`no harm in ${verdict.states} states`);
    const file = `counterexamples/${name.replace(/\W+/g, '-')}.txt`;
    await expect(`${[...verdict.trace, `=> ${verdict.broken}`].join('\n')}\n`).toMatchFileSnapshot(file);
    console.info(`${verdict.states} states, ${verdict.trace.length} steps`);
  });
}
