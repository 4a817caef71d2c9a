import { type Fault, faults, type Scene } from './faults.ts';
import type { Edge } from './link.ts';
import type { Phase } from './phases.ts';
import type { World } from './world.ts';

export interface Blow {
  readonly fault: Fault;
  readonly phase: Phase;
  readonly edge: Edge;
}

/**
 * Brings the daemon to the phase, strikes, and resolves with the milliseconds from the end of the fault to
 * the next clearing, as `probe` measures them.
 */
export async function strike(
  { fault, phase, edge }: Blow,
  scene: Omit<Scene, 'link'>,
  probe = (world: World) => world.probe(),
): Promise<number> {
  const { world } = scene;
  const caught = world.proxy.at(phase, edge);
  await provoke(phase, scene);
  const pages = [await world.enqueue()];
  const link = await caught;
  pages.push(await world.enqueue());
  await faults[fault]({ ...scene, link });
  const ms = await probe(world);
  for (const page of pages) await world.gone(page);
  // A permanently half-open connection would disturb the next blow.
  await world.proxy.heal();
  return ms;
}

/** Some phases happen with the next entry. For a connect, the connection must be lost first. */
async function provoke(phase: Phase, { world }: Omit<Scene, 'link'>): Promise<void> {
  switch (phase) {
    case 'pool connect':
      world.proxy.cut('pool');
      return;
    case 'listener connect':
    case 'LISTEN':
    case 'heartbeat':
      world.proxy.cut('listener');
      return;
    case 'take over':
    case 'read again':
      // The daemon does not read an empty journal.
      await world.query(
        `INSERT INTO uncached.journal (handler, key, owner) VALUES ('listen_port', '{"category": "www", "port": "left"}', 'dead')`,
      );
      world.proxy.cut('listener');
      return;
    case 'claim':
    case 'look':
    case 'second read':
    case 'journal delete':
      return;
    default:
      phase satisfies never;
  }
}
