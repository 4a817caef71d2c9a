import { afterEach, beforeEach, expect, inject, it, vi } from 'vitest';
import { usualTimings } from '../../src/core/timings.ts';
import type { Phase } from './phases.ts';
import { expectDone, expectWhole } from './whole.ts';
import { World } from './world.ts';

vi.setConfig({ testTimeout: 300_000 });

let world: World;
beforeEach(async () => {
  // No heartbeat comes in time. On a busy machine one may be late, and then the daemon listens again.
  world = await World.open(inject('postgres'), { heartbeat: '60s' });
  await world.start();
  // The claims of the catch-up are over, so the next claim is ours.
  await world.probe();
  await expectDone(world);
});
afterEach(() => world.close());

it.each<Phase>(['claim', 'look', 'advance'])(
  'takes up at once what was done by a %s whose answer was lost with its connection',
  async (phase) => {
    const caught = world.proxy.at(phase, 'answer');
    const page = await world.enqueue();
    // The listener stays connected, so no LISTEN triggers a read of the log.
    (await caught).cut();
    // After an error the log is read at once, and again after a while.
    expect(await world.ownMs(() => world.gone(page))).toBeLessThan(usualTimings.recovery.rescanMs);
    await expectDone(world);
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
  await world.gone(page);
  await expectDone(world);
  await expectWhole(world);
});
