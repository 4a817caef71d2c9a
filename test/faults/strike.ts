import { eventually } from './eventually.ts';
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
  world.mendCommand();
  if (phase === 'keep invalid') await dropInvalid(world);
  // A permanently half-open connection would disturb the next blow.
  await world.proxy.heal();
  return ms;
}

async function failing(world: World, condition: string): Promise<true | undefined> {
  return (await world.query(`SELECT FROM uncached.failing WHERE ${condition}`)).length > 0 || undefined;
}

/** Whether the row that this page was enqueued with fails: those of an earlier blow may be settling already. */
function failingOf(world: World, page: string): () => Promise<true | undefined> {
  const port = page.split('/')[2];
  return () => failing(world, `key->>'port' = '${port}'`);
}

/**
 * Nothing but an administrator ends such a row. Where the cursor has not passed it yet, a daemon that begins again
 * there would keep it again.
 */
async function dropInvalid(world: World): Promise<void> {
  const passed = 'id <= (SELECT settled_to FROM uncached.consumer WHERE consumer.id = failing.consumer)';
  await eventually(
    'kept',
    () => failing(world, `invalid AND ${passed}`),
    async () => world.lastWords(),
  );
  await world.query('DELETE FROM uncached.failing WHERE invalid');
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
    case 'join':
    case 'read':
    case 'restart retries':
      world.proxy.cut('listener');
      return;
    case 'trim':
      await world.kill();
      world.spawn();
      return;
    case 'fail':
      world.breakCommand();
      return;
    case 'settle later':
    case 'in cohorts':
    case 'remove':
      world.breakCommand();
      await eventually('failing', failingOf(world, await world.enqueue()), async () => world.lastWords());
      world.mendCommand();
      return;
    case 'keep invalid':
      await world.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a/b')`);
      return;
    case 'report':
    case 'claim':
    case 'look':
    case 'second read':
    case 'advance':
      return;
    default:
      phase satisfies never;
  }
}
