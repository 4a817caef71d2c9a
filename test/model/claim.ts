import { type Daemon, daemonAtStart, daemonBecomes } from './daemon.ts';
import type { Step } from './explore.ts';
import { openTransactions } from './grace.ts';
import type { Protocol } from './protocol.ts';
import { batchOf } from './settling.ts';
import type { Row, World } from './world.ts';

/** One claim, in three steps: its snapshot with FOR UPDATE SKIP LOCKED, its DELETE, its commit. */
export function* claimSteps(world: World, who: number, protocol: Protocol): Generator<Step<World>> {
  const daemon = world.daemons[who] ?? daemonAtStart;
  const becomes = daemonBecomes(world, who);
  if (daemon.phase === 'draining' && protocol.claim === 'reads entries') {
    yield* readSteps(world, who, protocol);
  } else if (daemon.phase === 'draining') {
    const queue = world.queue.map((row) => (row.is === 'there' ? held(row, 'locked', who) : row));
    const early = protocol.looks === 'before the claim' ? openTransactions(world, protocol) : [];
    if (queue.some((row) => isHeld(row, who)))
      yield becomes('locks the entries', { phase: 'locking', early }, { queue });
    else yield becomes('finds nothing to claim', { phase: 'asking' });
  } else if (daemon.phase === 'locking') {
    const queue = world.queue.map((row) => (isHeld(row, who) ? held(row, 'deleted', who) : row));
    const early = protocol.looks === 'inside the claim' ? openTransactions(world, protocol) : daemon.early;
    yield becomes('deletes the entries', { phase: 'deleting', early }, { queue });
  } else if (daemon.phase === 'deleting') {
    const { ids, ...moved } = moves(world, who, protocol);
    const batches = [...daemon.batches, batchOf(ids, world, protocol, daemon.early)];
    const dirty = daemon.dirty && protocol.lowersFlag === 'before the claim';
    yield becomes('commits the claim', { phase: 'draining', dirty, early: [], batches }, moved);
  }
}

/** The predecessor remembers the rows it has read. It reads again only when they are cleared and deleted. */
function* readSteps(world: World, who: number, protocol: Protocol): Generator<Step<World>> {
  if ((world.daemons[who] ?? daemonAtStart).batches.length > 0) return;
  const queue = world.queue.map((row) => ({ ...row, read: row.is !== 'inserted' }));
  const change: Partial<Daemon> = { batches: [batchOf([], world, protocol)] };
  if (queue.some(({ read }) => read)) yield daemonBecomes(world, who)('reads the entries', change, { queue });
  else yield daemonBecomes(world, who)('reads nothing', { phase: 'asking' });
}

/** All entries of the one key become one journal row. */
export function moves(world: World, who: number, protocol: Protocol) {
  const queue = world.queue.filter((row) => !isHeld(row, who));
  if (protocol.claim !== 'moves entries to the journal') return { queue, journal: world.journal, ids: [] };
  const recovered = world.database.is === 'recovered';
  const remembered = world.daemons.flatMap(({ batches }) =>
    recovered ? [] : batches.flatMap(({ ids }) => ids),
  );
  let id = 0;
  while (world.journal.includes(id) || remembered.includes(id)) id++;
  return { queue, journal: [...world.journal, id].sort(), ids: [id] };
}

export function held(row: Row, is: Row['is'], by: number): Row {
  return { ...row, is, by };
}

export function isHeld({ is, by }: Row, who: number): boolean {
  return (is === 'locked' || is === 'deleted') && by === who;
}
