import { claimSteps } from './claim.ts';
import type { Step } from './explore.ts';
import type { Protocol } from './protocol.ts';
import { type Batch, batchOf } from './settling.ts';
import type { World } from './world.ts';

/**
 * The wakes of a daemon: LISTEN, catch-up, and a drain whenever the flag is raised. A drain claims until
 * nothing is left (claim.ts). What a claimed batch goes through (settling.ts) runs concurrently with the
 * drain, in every order.
 */
export interface Daemon {
  readonly phase: 'down' | 'catching up' | 'idle' | 'draining' | 'locking' | 'deleting' | 'asking';
  readonly listening: boolean;
  /** A notification is on its way. Several count as one. */
  readonly notified: boolean;
  readonly dirty: boolean;
  readonly timer: boolean;
  /** Transactions noted before the commit of the claim, for two of the mutations. */
  readonly early: readonly number[];
  readonly batches: readonly Batch[];
}

export const daemonAtStart: Daemon = {
  phase: 'down',
  listening: false,
  notified: false,
  dirty: false,
  timer: false,
  early: [],
  batches: [],
};

export function* daemonSteps(world: World, who: number, protocol: Protocol): Generator<Step<World>> {
  const daemon = world.daemons[who] ?? daemonAtStart;
  const becomes = daemonBecomes(world, who);
  if (daemon.notified) yield becomes('is notified', { notified: false, dirty: true });
  if (daemon.timer && worthWaking(world)) yield becomes('timer fires', { timer: false, dirty: true });
  switch (daemon.phase) {
    case 'down': {
      const listening = protocol.listens === 'before the first drain';
      yield becomes(listening ? 'LISTEN' : 'starts, deaf', { phase: 'catching up', listening });
      return;
    }
    case 'catching up':
      yield becomes('catches up', { phase: 'idle', dirty: true, batches: takenUp(world, daemon, protocol) });
      return;
    case 'idle': {
      const dirty = protocol.lowersFlag === 'after the claim';
      if (daemon.dirty) yield becomes('begins to drain', { phase: 'draining', dirty });
      else if (!daemon.listening) yield becomes('LISTEN', { listening: true });
      return;
    }
    case 'draining':
    case 'locking':
    case 'deleting':
      yield* claimSteps(world, who, protocol);
      return;
    case 'asking':
      yield becomes('asks what is left, and rests', {
        phase: 'idle',
        ...whatIsLeft(world, daemon, protocol),
      });
      return;
    default:
      daemon.phase satisfies never;
  }
}

/**
 * One statement reads both. A claim whose daemon died moves its entries from the queue to the journal in one
 * commit, so a single snapshot finds them in one of the two. Reading first the journal and then the queue can
 * miss them in both.
 */
function whatIsLeft(world: World, daemon: Daemon, protocol: Protocol): Partial<Daemon> {
  const dirty = daemon.dirty && protocol.lowersFlag === 'before the claim';
  const timer = protocol.asksFor !== 'nothing' && world.queue.some(({ is }) => is !== 'inserted');
  if (protocol.asksFor !== 'entries and journal rows') return { dirty, timer };
  return { dirty, timer, batches: takenUp(world, daemon, protocol) };
}

/** Journal rows that this daemon does not remember start again with their first clearing. */
function takenUp(world: World, { batches }: Daemon, protocol: Protocol): readonly Batch[] {
  const remembered = batches.flatMap(({ ids }) => ids);
  const strange = world.journal.filter((id) => !remembered.includes(id));
  return strange.length === 0 ? batches : [...batches, batchOf(strange, world, protocol)];
}

/**
 * While other processes hold every entry, a wake would only arm the timer again. That step changes nothing
 * and is left out.
 */
function worthWaking({ queue }: World): boolean {
  return queue.length === 0 || queue.some(({ is }) => is === 'there');
}

export function daemonBecomes(world: World, who: number) {
  const name = world.daemons.length > 1 ? `daemon ${who + 1}` : 'daemon';
  return (label: string, change: Partial<Daemon>, rest: Partial<World> = {}): Step<World> => {
    const daemon = { ...(world.daemons[who] ?? daemonAtStart), ...change };
    return {
      label: `${name}: ${label}`,
      state: { ...world, ...rest, daemons: world.daemons.with(who, daemon) },
    };
  };
}
