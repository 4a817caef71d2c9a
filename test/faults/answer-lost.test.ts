import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import type { Phase } from './phases.ts';
import { expectDone, expectWhole } from './whole.ts';
import { World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await World.open(inject('postgres'));
  await world.start();
  // The claims of the catch-up are over, so the next claim is ours.
  await world.probe();
  await expectDone(world);
});
afterEach(() => world.close());

/**
 * Abandoned rows are found after five seconds (clearing/recovery.ts). An error must trigger a read of the
 * journal at once.
 */
const atOnceMs = 4_000;

it.each<Phase>(['claim', 'look'])(
  'takes up at once what was done by a %s whose answer was lost with its connection',
  async (phase) => {
    const caught = world.proxy.at(phase, 'answer');
    const page = await world.enqueue();
    // The listener stays connected, so no LISTEN triggers a read of the journal.
    (await caught).cut();
    await world.gone(page, atOnceMs);
    expect(world.daemon.log.filter(({ event }) => event === 'listening')).toHaveLength(1);
    await expectWhole(world);
  },
);

it('clears a second time before it settles, although the answer of the second reading was lost', async () => {
  const caught = world.proxy.at('second read', 'answer');
  const page = await world.enqueue();
  const link = await caught;
  // A writer that read the data before the change publishes after the first clearing.
  world.site.write([page]);
  link.cut();
  await world.gone(page, atOnceMs);
  await expectWhole(world);
});
