import { afterEach, beforeEach, describe, inject, it } from 'vitest';
import { faultNames } from './faults.ts';
import type { Edge } from './link.ts';
import { type Phase, phases } from './phases.ts';
import { strike } from './strike.ts';
import { expectDone, expectWhole } from './whole.ts';
import { World } from './world.ts';

/** Without kills of PostgreSQL: this server is shared (server-killed.test.ts has its own). */
const struck = faultNames.filter((fault) => fault !== 'kill -9 of PostgreSQL');
const edges: readonly Edge[] = ['request', 'answer'];
const lastsMs = 100;
let world: World;

beforeEach(async () => {
  world = await World.open(inject('postgres'));
  await world.start();
});
afterEach(() => world.close());

describe.each(Object.keys(phases) as Phase[])('at the phase "%s" uncached survives', (phase) => {
  it.each(edges)('every fault, struck at its %s', async (edge) => {
    for (const fault of struck) {
      await strike({ fault, phase, edge }, { world, lastsMs });
      await expectDone(world);
    }
    await expectWhole(world);
  });
});
