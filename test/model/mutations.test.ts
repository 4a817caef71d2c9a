import { expect, test } from 'vitest';
import { explore } from './explore.ts';
import { designed, type Protocol, predecessor } from './protocol.ts';
import { inserting, preparing, seeing, skipping, skippingLater, unfenced, updating } from './scenarios.ts';
import { type Scenario, world } from './world.ts';

/**
 * Every simplification is proved wrong. counterexamples/ describes the shortest path to harm in plain words.
 */
const stale = 'the page is stale and nobody knows';
const asleep = 'an entry is asleep in the queue';
const forgotten = 'a journal row is forgotten';

/** The first entry is already queued, so that the second claim comes soon. */
const queued: Scenario = {
  transactions: [{ statements: ['change', 'insert'] }],
  writers: ['fenced'],
  queued: true,
};

convicts('no grace', stale, skipping, { looks: 'never' });
convicts('transactions noted before the claim', stale, skipping, { looks: 'before the claim' });
convicts('transactions noted inside the claim', stale, seeing, { looks: 'inside the claim' });
convicts('transactions noted by xid only', stale, skipping, { notes: 'transaction ids' });
convicts('prepared transactions ignored', stale, preparing, { prepared: 'ignored' });
convicts('prepared transactions noted in the same look', stale, preparing, {
  prepared: 'noted in the same look',
});

convicts('no second clearing', stale, skipping, { secondClearing: false });
convicts('no second clearing, unfenced', stale, unfenced(inserting), { secondClearing: false });
convicts('no settle time, unfenced', stale, unfenced(inserting), { settleStarts: 'never' });
convicts('settle time from the claim', stale, unfenced(skipping), { settleStarts: 'at the claim' });
convicts('pages deleted before temps', stale, skipping, { clears: 'pages, then temps' });
convicts('temps left to a second clearing that never comes', stale, inserting, {
  firstClears: 'pages alone',
  secondClearing: false,
});
convicts('temps left to a second clearing that deletes them after pages', stale, skipping, {
  firstClears: 'pages alone',
  clears: 'pages, then temps',
});
convicts('temps not deleted', stale, inserting, { clears: 'pages alone' });

convicts('the predecessor, entry found', stale, skipping, predecessor);
convicts('the predecessor, entry updated', stale, updating, predecessor);
convicts('no journal', stale, { ...inserting, crashes: 1 }, { claim: 'deletes entries' });
convicts(
  'journal rows deleted by key',
  stale,
  { ...queued, crashes: 1 },
  { deletesJournalRows: 'by the key' },
);

convicts('drain before LISTEN', asleep, { ...inserting, crashes: 1 }, { listens: 'after the first drain' });
convicts('flag lowered after the claim', asleep, inserting, {
  lowersFlag: 'after the claim',
  asksFor: 'nothing',
});
convicts('no question at the end', asleep, updating, { asksFor: 'nothing' });
convicts('journal read only at the start', forgotten, { ...inserting, crashes: 1 }, { asksFor: 'entries' });

// The daemon deletes by an id that PostgreSQL, after its recovery, gave to another claim. This world is too
// large for every run.
if (process.env.MODEL === 'long') {
  const twoCrashes: Scenario = { ...skippingLater, databaseCrashes: true, crashes: 1 };
  convicts('batches remembered over an outage', stale, twoCrashes, {
    afterOutage: 'goes on with what it remembers',
  });
}

function convicts(name: string, harm: string, scenario: Scenario, change: Partial<Protocol>): void {
  test(`a counterexample: ${name}`, { timeout: 600_000 }, async () => {
    const verdict = explore(world(scenario, { ...designed, ...change }));
    if (verdict.holds) expect.fail(`no harm in ${verdict.states} states`);
    expect(verdict.broken).toBe(harm);
    const file = `counterexamples/${name.replace(/\W+/g, '-')}.txt`;
    await expect(`${[...verdict.trace, `=> ${verdict.broken}`].join('\n')}\n`).toMatchFileSnapshot(file);
    console.info(`${verdict.states} states, ${verdict.trace.length} steps`);
  });
}
