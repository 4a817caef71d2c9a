import { type Fault, faults, type Scene } from './faults.ts';
import type { Edge } from './link.ts';
import type { Phase } from './phases.ts';

export interface Blow {
  readonly fault: Fault;
  readonly phase: Phase;
  readonly edge: Edge;
}

/**
 * Brings the daemon to the phase, strikes there, and resolves with the milliseconds from the fault's end to
 * the next clearing.
 */
export async function strike({ fault, phase, edge }: Blow, scene: Omit<Scene, 'link'>): Promise<number> {
  const { world } = scene;
  const caught = world.proxy.at(phase, edge);
  await provoke(phase, scene);
  const pages = [await world.enqueue()];
  const link = await caught;
  pages.push(await world.enqueue());
  await faults[fault]({ ...scene, link });
  const ms = await world.probe();
  for (const page of pages) await world.gone(page);
  // What is half-open for good would be in the way of the next.
  await world.proxy.heal();
  return ms;
}

/** Some phases come by themselves with the next entry; to connect, the connection must be lost before. */
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
      // An empty journal is not read.
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
