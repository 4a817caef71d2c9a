import { daemonAtStart } from './daemon.ts';
import type { Step } from './explore.ts';
import { without } from './grace.ts';
import { producerAtStart } from './producer.ts';
import type { Protocol } from './protocol.ts';
import type { Row, World } from './world.ts';

/**
 * A crash of PostgreSQL, at most once: open transactions roll back, prepared ones stay, connections end. The
 * daemon's own commits are asynchronous. Those that did not reach the disk are undone, and their identities
 * are assigned again (seen on PostgreSQL 15.18). A producer's commit is synchronous and flushes everything
 * before it.
 */
export interface Database {
  readonly is: 'safe' | 'mortal' | 'recovered';
  /** What survives a crash: committed entries, and journal rows. */
  readonly entries: number;
  readonly journal: readonly number[];
}

export function* databaseSteps(world: World, protocol: Protocol): Generator<Step<World>> {
  if (world.database.is !== 'mortal') return;
  const written = withLogOnDisk(world);
  if (!isSame(written.database, world.database))
    yield { label: 'PostgreSQL: writes its log to disk', state: written };
  yield { label: 'PostgreSQL: CRASHES', state: recovered(world, protocol) };
}

function isSame(one: Database, other: Database): boolean {
  return one.entries === other.entries && one.journal.join() === other.journal.join();
}

export function withLogOnDisk(world: World): World {
  if (world.database.is !== 'mortal') return world;
  const entries = world.queue.filter(({ is }) => is !== 'inserted').length;
  return { ...world, database: { is: 'mortal', entries, journal: world.journal } };
}

function recovered(world: World, protocol: Protocol): World {
  const { entries, journal } = world.database;
  const there: Row = { is: 'there', by: -1, read: false };
  const prepared = world.queue.filter(
    ({ is, by }) => is === 'inserted' && world.producers[by]?.is === 'prepared',
  );
  const open = [...world.producers.keys()].filter((who) => world.producers[who]?.is === 'open');
  return {
    ...world,
    queue: [...Array.from({ length: entries }, () => there), ...prepared],
    journal,
    producers: world.producers.map((producer, who) =>
      open.includes(who) ? { ...producerAtStart, is: 'ended' } : producer,
    ),
    daemons: open
      .reduce((daemons, who) => without(who, daemons), world.daemons)
      .map((daemon) => (daemon.phase === 'down' ? daemon : { ...daemon, ...cutOff(protocol) })),
    database: { is: 'recovered', entries: 0, journal: [] },
  };
}

/** What remains of a daemon after an outage, to merge into its state. */
export function cutOff(protocol: Protocol) {
  const { phase, listening, notified, early, batches } = daemonAtStart;
  const rest = { phase, listening, notified, early };
  return protocol.afterOutage === 'begins again' ? { ...rest, batches } : rest;
}
