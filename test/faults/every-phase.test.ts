import { afterEach, beforeEach, describe, inject, it } from 'vitest';
import { type Fault, faultNames } from './faults.ts';
import type { Edge } from './link.ts';
import { type Phase, phases } from './phases.ts';
import { strike } from './strike.ts';
import { expectWhole } from './whole.ts';
import { World } from './world.ts';

/** Without kills of PostgreSQL: this server is shared (server-killed.test.ts has its own). */
const struck = faultNames.filter((fault) => fault !== 'kill -9 of PostgreSQL');
const edges: readonly Edge[] = ['request', 'answer'];
const lastsMs = 200;
let world: World;

beforeEach(async () => {
  world = await World.open(inject('postgres'));
  await world.start();
});
afterEach(() => world.close());

describe.each(Object.keys(phases) as Phase[])('at the phase %s, uncached', (phase) => {
  it.each(edges.flatMap((edge) => struck.map((fault) => [edge, fault] as [Edge, Fault])))(
    'survives, at its %s, %s',
    async (edge, fault) => {
      const ms = await strike({ fault, phase, edge }, { world, lastsMs });
      console.log(phase, edge, fault, Math.round(ms));
      await expectWhole(world);
    },
  );
});
