import { withLogOnDisk } from './database.ts';
import type { Step } from './explore.ts';
import { without } from './grace.ts';
import { execute, type Notifies, type Statement } from './statement.ts';
import type { Page, Row, World } from './world.ts';

/**
 * One transaction at READ COMMITTED, statement by statement. Its writes are invisible to others until it
 * ends. Others that need the same row wait. It may roll back instead of any step, which is also how a
 * deadlock ends.
 */
export interface Transaction {
  readonly statements: readonly Statement[];
  /** It ends by PREPARE TRANSACTION and, later, COMMIT PREPARED. PostgreSQL refuses that after a NOTIFY. */
  readonly prepares?: boolean;
}

export interface Producer {
  readonly is: 'not begun' | 'open' | 'prepared' | 'ended';
  readonly done: number;
  readonly changed: boolean;
  /** It has written, so it has a transaction id in addition to its virtual id. */
  readonly xid: boolean;
  readonly willNotify: boolean;
  readonly seen: boolean;
}

const blank = { done: 0, changed: false, xid: false, willNotify: false, seen: false };
export const producerAtStart: Producer = { is: 'not begun', ...blank };

export function* producerSteps(
  world: World,
  who: number,
  { statements, prepares }: Transaction,
  notifies: Notifies,
): Generator<Step<World>> {
  const producer = world.producers[who] ?? producerAtStart;
  if (producer.is === 'ended') return;
  const name = `producer ${who + 1}`;
  const statement = statements[producer.done];
  if (producer.is !== 'not begun') {
    const verb = producer.is === 'prepared' ? 'ROLLBACK PREPARED' : 'ROLLBACK';
    yield { label: `${name}: ${verb}`, state: rolledBack(world, who) };
  }
  if (statement !== undefined) {
    const did = execute(statement, world, who, notifies);
    if (did !== 'waits') yield { label: `${name}: ${did.label}`, state: did.state };
  } else if (producer.is === 'prepared') {
    yield { label: `${name}: COMMIT PREPARED`, state: committed(world, who) };
  } else if (prepares && !producer.willNotify) {
    yield { label: `${name}: PREPARE TRANSACTION`, state: prepared(world, who) };
  } else {
    yield { label: `${name}: COMMIT`, state: committed(world, who) };
  }
}

/**
 * The change becomes visible before the virtual id disappears, so a daemon that waited for the id sees the
 * change.
 */
function committed(world: World, who: number): World {
  const producer = world.producers[who] ?? producerAtStart;
  const aged = (page: Page): Page => (producer.changed && page === 'fresh' ? 'stale' : page);
  const daemons = world.daemons.map((daemon) =>
    producer.willNotify && daemon.listening ? { ...daemon, notified: true } : daemon,
  );
  const after: World = {
    ...world,
    page: aged(world.page),
    queue: world.queue.map((row) =>
      row.by === who && isWritten(row) ? { ...row, is: 'there', by: -1 } : row,
    ),
    daemons,
    writers: world.writers.map((writer) => ({ ...writer, read: aged(writer.read) })),
  };
  return ended(producer.xid ? withLogOnDisk(after) : after, who);
}

function rolledBack(world: World, who: number): World {
  const queue = world.queue
    .filter((row) => !(row.is === 'inserted' && row.by === who))
    .map((row): Row => (row.is === 'updated' && row.by === who ? { ...row, is: 'there', by: -1 } : row));
  return ended({ ...world, queue }, who);
}

function isWritten(row: Row): boolean {
  return row.is === 'inserted' || row.is === 'updated';
}

function ended(world: World, who: number): World {
  const producers = world.producers.with(who, { is: 'ended', ...blank });
  return { ...world, producers, daemons: without(who, world.daemons) };
}

function prepared(world: World, who: number): World {
  const producer = world.producers[who] ?? producerAtStart;
  const producers = world.producers.with(who, { ...producer, is: 'prepared' });
  return { ...world, producers, daemons: without(who, world.daemons) };
}
