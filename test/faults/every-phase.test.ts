import { afterAll, beforeAll, inject, it } from 'vitest';
import { faultNames } from './faults.ts';
import { type Phase, phases } from './phases.ts';
import { type Blow, strike } from './strike.ts';
import { expectDone, expectWhole } from './whole.ts';
import { World } from './world.ts';

/**
 * All but those that stop PostgreSQL, since this server is shared, and those that take seconds. Both have
 * tests of their own.
 */
const struck = faultNames.filter(
  (fault) => !['kill -9 of PostgreSQL', 'a half-open listener'].includes(fault),
);
const lastsMs = 100;
let world: World;

beforeAll(async () => {
  world = await World.open(inject('postgres'), { command: true });
  await world.start();
  // The claims of the catch-up are over.
  await world.probe();
});
afterAll(() => world.close());

/**
 * With FAULTS=long: every fault in every phase at both edges. Otherwise each phase has one fault at each
 * edge, in rotation, so that every fault is used.
 */
const blows = (Object.keys(phases) as Phase[]).map((phase, row) => ({
  phase,
  blows: (['request', 'answer'] as const).flatMap((edge, half) =>
    struck
      .filter((_, column) => process.env.FAULTS === 'long' || column === (2 * row + half) % struck.length)
      .map((fault): Blow => ({ fault, phase, edge })),
  ),
}));

it.each(blows)('survives faults at the phase "$phase"', { timeout: 300_000 }, async ({ blows }) => {
  for (const blow of blows) {
    await strike(blow, { world, lastsMs });
    await expectDone(world);
  }
});

it('is whole after all of them', () => expectWhole(world));
