import { held, isHeld, moves } from './claim.ts';
import { daemonAtStart, daemonBecomes } from './daemon.ts';
import { cutOff } from './database.ts';
import type { Step } from './explore.ts';
import type { Protocol } from './protocol.ts';
import type { World } from './world.ts';

/**
 * A daemon dies at any point, or loses its connections and lives on. The backend that executes its claim may
 * not notice: it may finish the statement and commit long after the daemon, or the next one, has read the
 * journal. (The same is true when a client gives up on a slow statement.)
 */
export function* crashSteps(world: World, who: number, protocol: Protocol): Generator<Step<World>> {
  const daemon = world.daemons[who] ?? daemonAtStart;
  if (daemon.phase === 'down') return;
  const becomes = daemonBecomes(world, who);
  const { crashesLeft, outagesLeft } = world;
  const queue = world.queue.map((row) => (isHeld(row, who) ? held(row, 'deleted', ORPHAN) : row));
  if (crashesLeft > 0) {
    const unread = queue.map((row) => ({ ...row, read: false }));
    yield becomes('CRASHES', daemonAtStart, { queue: unread, crashesLeft: crashesLeft - 1 });
  }
  if (outagesLeft > 0) {
    yield becomes('LOSES ITS CONNECTIONS', cutOff(protocol), { queue, outagesLeft: outagesLeft - 1 });
  }
}

export function* orphanSteps(world: World, protocol: Protocol): Generator<Step<World>> {
  if (!world.queue.some((row) => isHeld(row, ORPHAN))) return;
  const { ids: _, ...moved } = moves(world, ORPHAN, protocol);
  yield { label: 'orphaned backend: commits the claim', state: { ...world, ...moved } };
  const queue = world.queue.map((row) => (isHeld(row, ORPHAN) ? held(row, 'there', -1) : row));
  yield { label: 'orphaned backend: rolls the claim back', state: { ...world, queue } };
}

const ORPHAN = 9;
