import type { Step } from '../explore.ts';
import { type Producer, producerAtStart } from '../producer.ts';
import { execute } from '../statement.ts';
import type { Page, Row } from '../world.ts';
import { everyCohort } from './cohort.ts';
import { withLogOnDisk } from './database.ts';
import type { Setup } from './plan.ts';
import type { Protocol } from './protocol.ts';
import type { World } from './world.ts';

/** ../producer.ts, where a commit may age the pages of several caches. */
export function* producerSteps(world: World, who: number, setup: Setup): Generator<Step<World>> {
  const producer = world.producers[who] ?? producerAtStart;
  if (producer.is === 'ended') return;
  const name = `producer ${who + 1}`;
  const { statements = [], prepares } = setup.transactions[who] ?? {};
  const statement = statements[producer.done];
  const verb = producer.is === 'prepared' ? ' PREPARED' : '';
  if (producer.is !== 'not begun') yield { label: `${name}: ROLLBACK${verb}`, state: rolledBack(world, who) };
  if (statement !== undefined) {
    const did = execute(statement, world, who, 'for a new row');
    if (did !== 'waits') yield { label: `${name}: ${did.label}`, state: did.state };
  } else if (prepares && producer.is === 'open' && !producer.willNotify) {
    yield {
      label: `${name}: PREPARE TRANSACTION`,
      state: becomes(world, who, { ...producer, is: 'prepared' }),
    };
  } else {
    yield { label: `${name}: COMMIT${verb}`, state: afterCommit(world, who, setup) };
  }
}

/** A producer's commit waits for the disk, and for everything that was written before it. */
function afterCommit(world: World, who: number, setup: Setup): World {
  const { changed, xid } = world.producers[who] ?? producerAtStart;
  const aged = (page: Page): Page => (changed && page === 'fresh' ? 'stale' : page);
  const after = {
    ...world,
    pages: world.pages.map(aged),
    queue: world.queue.map((row): Row => (isWrittenBy(row, who) ? { ...row, is: 'there', by: -1 } : row)),
    writers: world.writers.map((writer) => ({ ...writer, read: aged(writer.read) })),
  };
  return ended(xid ? withLogOnDisk(after, setup) : after, who);
}

export function rolledBack(world: World, who: number): World {
  const queue = world.queue
    .filter((row) => !(row.is === 'inserted' && row.by === who))
    .map((row): Row => (isWrittenBy(row, who) ? { ...row, is: 'there', by: -1 } : row));
  return ended({ ...world, queue }, who);
}

function isWrittenBy({ is, by }: Row, who: number): boolean {
  return (is === 'inserted' || is === 'updated') && by === who;
}

function ended(world: World, who: number): World {
  return becomes(world, who, { ...producerAtStart, is: 'ended' });
}

/** It has ended or was prepared, so that those who noted its virtual id no longer find it. */
function becomes(world: World, who: number, producer: Producer): World {
  const without = (noted: readonly number[]) => noted.filter((other) => other !== who);
  return {
    ...world,
    producers: world.producers.with(who, producer),
    claims: world.claims.map((claim) => ({ ...claim, early: without(claim.early) })),
    followers: everyCohort(world.followers, (cohort) => ({ ...cohort, noted: without(cohort.noted) })),
  };
}

export function openTransactions({ producers }: World, { notes, prepared }: Protocol): number[] {
  return [...producers.entries()].flatMap(([who, { is, xid }]) => {
    if (is === 'prepared') return prepared === 'noted in the same look' ? [who] : [];
    return is === 'open' && (xid || notes === 'virtual ids') ? [who] : [];
  });
}

export function preparedTransactions({ producers }: World): number[] {
  return [...producers.entries()].flatMap(([who, { is }]) => (is === 'prepared' ? [who] : []));
}
