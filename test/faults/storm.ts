import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LaunchedServer } from '../postgres/launch.ts';
import type { Random } from '../random.ts';
import { type Fault, faultNames, faults } from './faults.ts';
import type { Edge } from './link.ts';
import { type Phase, phases } from './phases.ts';
import { Producer } from './producer.ts';
import { type Blow, strike } from './strike.ts';
import { expectDone } from './whole.ts';
import type { World } from './world.ts';

export interface Storm {
  readonly server: LaunchedServer;
  readonly world: World;
  readonly kills: number;
  readonly random: Random;
  /** Called after each blow. */
  readonly onBlow: (blow: { fault: Fault; where: string; ms: number }) => void;
}

/** After this many blows there is a calm: producers pause, and everything must be cleared and settled. */
const calmAfter = 50;
const longestFaultMs = 600;

/**
 * Strikes repeatedly while producers work. Rejects when an entry is lost or stuck. Resolves with the number
 * of entries enqueued.
 */
export async function rage({ server, world, kills, random, onBlow }: Storm): Promise<number> {
  let entries = 0;
  async function strikeOnce(nth: number): Promise<void> {
    const fault = random.pick(weighted);
    const scene = { world, server, lastsMs: 20 + random.below(longestFaultMs) };
    // Half of them strike in a phase, half at any moment.
    const blow = random.chance(0.5) ? inPhase(fault, random) : undefined;
    const where = blow ? `${blow.phase}, ${blow.edge}` : 'at any moment';
    try {
      onBlow({ fault, where, ms: await (blow ? strike(blow, scene) : atAnyMoment(fault, scene, random)) });
    } catch (cause) {
      throw new Error(
        `Fault ${nth}, ${fault} (${where}), is not recovered from: ${String(cause)}\n${world.lastWords()}`,
        {
          cause,
        },
      );
    }
  }
  for (let struck = 0; struck < kills; ) {
    const producers = [1, 2].map((n) => new Producer(world, `producer-${struck}-${n}`));
    try {
      for (let i = 0; i < calmAfter && struck < kills; i++, struck++) await strikeOnce(struck);
    } finally {
      for (const producer of producers) await producer.stop();
    }
    await expectDone(world);
    for (const page of producers.flatMap(({ undecided }) => undecided))
      rmSync(join(world.site.root, page), { force: true });
    const stale = producers.flatMap((producer) => producer.stale());
    if (stale.length > 0) throw new Error(`${stale.length} entries are lost: ${stale.join(', ')}`);
    entries += producers.reduce((sum, { committed }) => sum + committed.length, 0);
  }
  return entries;
}

type Scene = Parameters<typeof strike>[1];

function inPhase(fault: Fault, random: Random): Blow {
  return {
    fault,
    phase: random.pick(Object.keys(phases) as Phase[]),
    edge: random.pick<Edge>(['request', 'answer']),
  };
}

async function atAnyMoment(fault: Fault, scene: Scene, random: Random): Promise<number> {
  const { world } = scene;
  const page = await world.enqueue();
  const links = world.proxy.links();
  // Between two outages there may be no connection. Then the next one is used.
  const link = links.length > 0 ? random.pick(links) : await world.proxy.at('pool connect', 'request');
  await faults[fault]({ ...scene, link });
  const ms = await world.probe();
  await world.gone(page);
  await world.proxy.heal();
  return ms;
}

/** A fault that only the heartbeat detects takes long, so it is chosen less often. */
const weighted: readonly Fault[] = faultNames.flatMap((fault) =>
  Array<Fault>(fault === 'a half-open listener' ? 1 : 4).fill(fault),
);
