import { expect, test } from 'vitest';
import { explore } from './explore.ts';
import { designed, type Protocol } from './protocol.ts';
import { bothOrders, inserting, preparing, skipping, styles, updating } from './scenarios.ts';
import { type Scenario, world } from './world.ts';

for (const [style, enqueue] of Object.entries(styles))
  for (const writer of ['fenced', 'unfenced'] as const)
    holds(`${style}, ${writer} writer`, bothOrders(enqueue, writer));

holds('NOTIFY even if nothing was inserted', { ...skipping, notifies: 'always' });
holds('two changes and two entries in one transaction', {
  transactions: [
    { statements: ['change', 'insert once a transaction', 'change', 'insert once a transaction'] },
  ],
  writers: ['unfenced'],
  queued: true,
});
holds('a crash', { ...skipping, crashes: 1 });
holds('a crash while a producer holds the entry', { ...updating, crashes: 1 });
holds('an outage', { ...skipping, outages: 1 });
holds('a look for one claim', skipping, { look: 'for one claim' });
holds('a prepared transaction', preparing);

// A daemon takes up the journal rows of the other too, which makes two of them a large world.
const queued: Scenario = { transactions: [], writers: [], queued: true };
const skipper = [{ statements: ['on conflict do nothing', 'change'] }] as const;
const twoDaemons: Scenario = { ...queued, daemons: 2, transactions: skipper, writers: ['unfenced'] };
const apart = { asksFor: 'nothing', clears: 'pages alone', prepared: 'ignored' } as const;
holds('two daemons, one crashes', { ...queued, daemons: 2, crashes: 1 });
holds('two daemons, each minding its own journal rows', twoDaemons, apart);

if (process.env.MODEL === 'long') {
  holds('two daemons that look what is left', twoDaemons, { ...apart, asksFor: 'entries' });
  holds('two daemons that take up journal rows', { ...twoDaemons, writers: [] }, { prepared: 'ignored' });
  holds('a crash, both writers', { ...skipping, crashes: 1, writers: ['fenced', 'unfenced'] });
  holds('a crash, a prepared transaction', { ...preparing, crashes: 1 });
  holds('two crashes', { ...inserting, crashes: 2 });
  holds('three transactions', { ...skipping, queued: true });
}

function holds(name: string, scenario: Scenario, change: Partial<Protocol> = {}): void {
  test(`never stale, never lost, no dead end: ${name}`, { timeout: 600_000 }, () => {
    const verdict = explore(world(scenario, { ...designed, ...change }));
    expect(verdict).toMatchObject({ holds: true });
    console.info(`${verdict.states} states`);
  });
}
