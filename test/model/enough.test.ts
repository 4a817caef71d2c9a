import { expect, test } from 'vitest';
import { explore } from './explore.ts';
import { designed, type Protocol, predecessor } from './protocol.ts';
import { inserting, skipping, skippingLater, unfenced, updating } from './scenarios.ts';
import { type Scenario, world } from './world.ts';

// Shows what each precaution is for, by the cases that need none. This is no advice to leave it out.
enough('fenced writers need no settle time', skipping, { settleStarts: 'never' });
enough('producers that always leave a row need no grace', unfenced(inserting), { looks: 'never' });
enough('producers that update the entry need no grace', unfenced(updating), { looks: 'never' });
enough('without skips the settle clock may start at the claim', unfenced(inserting), {
  settleStarts: 'at the claim',
});
enough('without skips fenced writers need no second clearing', inserting, { secondClearing: false });
enough('ON CONFLICT DO NOTHING waits for the deletion, so a look after it is enough', skipping, {
  looks: 'inside the claim',
});
enough('the question at the end makes up for a flag lowered too late', inserting, {
  lowersFlag: 'after the claim',
});
enough('without a crash journal rows may be deleted by key', inserting, { deletesJournalRows: 'by the key' });
enough(
  'unless PostgreSQL crashes the daemon may go on after an outage',
  { ...skippingLater, outages: 1 },
  {
    afterOutage: 'goes on with what it remembers',
  },
);
enough('the predecessor was right for plain inserts and fenced writers', inserting, predecessor);

function enough(claim: string, scenario: Scenario, change: Partial<Protocol>): void {
  test(claim, () => {
    const verdict = explore(world(scenario, { ...designed, ...change }));
    expect(verdict).toMatchObject({ holds: true });
    console.info(`${verdict.states} states`);
  });
}
