import { expect, test } from 'vitest';
import { explore } from './explore.ts';
import { designed, type Protocol } from './protocol.ts';
import { bothOrders, inserting, preparing, skipping, skippingLater, styles, updating } from './scenarios.ts';
import { type Scenario, type World, world } from './world.ts';

for (const [style, enqueue] of Object.entries(styles))
  for (const writer of ['fenced', 'unfenced'] as const)
    holds(`${style}, ${writer} writer`, bothOrders(enqueue, writer));

for (const [style, enqueue] of Object.entries(styles))
  holds(`temps left to the second clearing, ${style}`, bothOrders(enqueue, 'fenced'), {
    firstClears: 'pages alone',
  });
holds(
  'temps left to the second clearing, a crash',
  { ...skippingLater, crashes: 1 },
  { firstClears: 'pages alone' },
);

holds('NOTIFY even if nothing was inserted', { ...skipping, notifies: 'always' });
holds('two changes and two entries in one transaction', {
  transactions: [
    { statements: ['change', 'insert once a transaction', 'change', 'insert once a transaction'] },
  ],
  writers: ['unfenced'],
  queued: true,
});
holds('a crash', { ...skippingLater, crashes: 1 });
holds('an outage', { ...skippingLater, outages: 1 });
holds('a crash of PostgreSQL', { ...skippingLater, databaseCrashes: true });
holds('a look for one claim', skipping, { look: 'for one claim' });
holds('a prepared transaction', preparing);

// Each daemon also takes over the journal rows of the other, which makes this a large world.
const twoDaemons: Scenario = { ...skippingLater, daemons: 2, writers: ['unfenced'] };
const apart = { asksFor: 'nothing', clears: 'pages alone', prepared: 'ignored' } as const;
holds('two daemons, one crashes', { ...twoDaemons, transactions: [], crashes: 1 });

if (process.env.MODEL === 'long') {
  holds('two daemons, each minding its own journal rows', twoDaemons, apart);
  holds('two daemons that look what is left', twoDaemons, { ...apart, asksFor: 'entries' });
  holds('two daemons that take up journal rows', { ...twoDaemons, writers: [] }, { prepared: 'ignored' });
  holds('a crash, both writers', { ...skipping, crashes: 1, writers: ['fenced', 'unfenced'] });
  holds('a crash, a prepared transaction', { ...preparing, crashes: 1 });
  holds('a crash while a producer holds the entry', { ...updating, crashes: 1 });
  holds('a crash of PostgreSQL and one of the daemon', {
    ...skippingLater,
    databaseCrashes: true,
    crashes: 1,
  });
  holds('two crashes', { ...inserting, crashes: 2 });
  holds('three transactions', { ...skipping, queued: true });
}

test('the world is large enough for one snapshot to serve two claims long cleared', () => {
  const late = ({ daemons }: World) =>
    daemons.some(
      ({ batches }) => batches.filter(({ stage, looks }) => stage === 'cleared' && looks === 0).length > 1,
    );
  const model = world(skipping, designed);
  const verdict = explore({
    ...model,
    broken: (state) => (late(state) ? 'seen' : model.broken(state, false)),
  });
  expect(verdict).toMatchObject({ broken: 'seen' });
});

function holds(name: string, scenario: Scenario, change: Partial<Protocol> = {}): void {
  test(`never stale, never lost, no dead end: ${name}`, { timeout: 600_000 }, () => {
    const verdict = explore(world(scenario, { ...designed, ...change }));
    expect(verdict).toMatchObject({ holds: true });
    console.info(`${verdict.states} states`);
  });
}
