import { expect, test } from 'vitest';
import { explore } from '../explore.ts';
import type { Scenario } from './plan.ts';
import { designed, type Protocol } from './protocol.ts';
import * as scenarios from './scenarios.ts';
import { world } from './world.ts';

// Shows what each precaution is for, by the cases that need none. This is no advice to leave it out.
enough('the first clearing is for speed alone', scenarios.skipping, { firstClearing: false });
enough('fenced writers need no settle time', scenarios.skipping, { settleStarts: 'never' });
enough('producers that always leave an entry need no grace', scenarios.insertingUnfenced, { looks: 'never' });
enough('without skips fenced writers need no second clearing', scenarios.inserting, {
  secondClearing: false,
});
enough('an unnoticed hole costs a first clearing, as the range is read again', scenarios.feeding, {
  feeds: 'always',
});
enough('where holes are noticed the range need not be read again', scenarios.feeding, {
  range: 'what was read',
});
enough('the state may be read before the log, if it is read each time', scenarios.seeingOnReturn, {
  reads: 'state first, log later',
});
enough('the grace of an inner cache is enough for the outer one', scenarios.outerSkipping, {
  outerGrace: false,
});
enough(
  'without an outer cache a retry may settle for itself',
  { ...scenarios.crashing, failures: [0] },
  {
    retries: 'settle for themselves',
  },
);
enough('a wipe that is a row of the log needs no numbered registration', scenarios.joining, {
  wipe: 'a row of the log',
  callsLive: 'whatever is there',
});

function enough(claim: string, scenario: Scenario, change: Partial<Protocol>): void {
  test(claim, () => {
    const verdict = explore(world(scenario, { ...designed, ...change }));
    expect(verdict).toMatchObject({ holds: true });
    console.info(`${verdict.states} states`);
  });
}
