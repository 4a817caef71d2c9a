import type { Step } from '../explore.ts';
import type { Row } from '../world.ts';
import { claimAtStart } from './claim.ts';
import { type Follower, followerAtStart } from './follower.ts';
import { committed, type LogRow } from './log.ts';
import type { Consumer } from './membership.ts';
import type { Setup } from './plan.ts';
import { rolledBack } from './producer.ts';
import type { Protocol } from './protocol.ts';
import type { World } from './world.ts';

/**
 * A crash of PostgreSQL, at most once. Daemons' commits do not wait for the disk. Those after the last write
 * are undone, in the order of their commits, and ids are given out again. A producer's commit waits for the
 * disk, and so for everything before it.
 */
export interface Database {
  /** `doomed`: the log on the disk grows only when a producer's commit waits for it. */
  readonly is: 'safe' | 'mortal' | 'doomed' | 'recovered';
  readonly disk: readonly Disk[];
}

/** What survives. The list of it is empty, or has one element. */
interface Disk {
  readonly entries: number;
  readonly others: number;
  readonly log: readonly LogRow[];
  readonly lastId: number;
  readonly consumers: readonly Consumer[];
  readonly failing: World['failing'];
}

export function* databaseSteps(world: World, setup: Setup): Generator<Step<World>> {
  const { is, disk } = world.database;
  if (is === 'mortal')
    yield { label: 'PostgreSQL: writes its log to disk, for the last time', state: written(world, setup) };
  if (is === 'doomed')
    for (const it of disk) yield { label: 'PostgreSQL: CRASHES', state: recovered(world, it, setup) };
}

export function withLogOnDisk(world: World, setup: Setup): World {
  return world.database.is === 'doomed' ? written(world, setup) : world;
}

function written(world: World, setup: Setup): World {
  const claimed = world.claims.filter(({ is }, who) => {
    return (is === 'deleting' || is === 'appending') && setup.claims[who]?.of === 'another key';
  });
  const disk: Disk = {
    entries: world.queue.filter(({ is }) => is !== 'inserted').length,
    others: world.others + claimed.length,
    log: committed(world.log),
    lastId: world.lastId,
    consumers: world.consumers,
    failing: world.failing,
  };
  return { ...world, database: { is: 'doomed', disk: [disk] } };
}

function recovered(world: World, { entries, ...disk }: Disk, { protocol }: Setup): World {
  const there: Row = { is: 'there', by: -1, read: false };
  const open = [...world.producers.keys()].filter((who) => world.producers[who]?.is === 'open');
  const after = open.reduce(rolledBack, world);
  return {
    ...after,
    ...disk,
    queue: Array.from({ length: entries }, () => there),
    claims: world.claims.map(() => claimAtStart),
    followers: after.followers.map((follower) => cutOff(follower, protocol)),
    database: { is: 'recovered', disk: [] },
  };
}

/** What remains of a follower when the connections end. */
function cutOff(follower: Follower, { afterOutage }: Protocol): Follower {
  if (afterOutage === 'goes on with its cohorts') return follower;
  return { ...followerAtStart, seen: afterOutage === 'begins at its cursor' ? follower.seen : 0 };
}
