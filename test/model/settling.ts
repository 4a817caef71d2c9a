import { daemonAtStart, daemonBecomes } from './daemon.ts';
import type { Step } from './explore.ts';
import { graceIsOver, graceSteps } from './grace.ts';
import type { Protocol } from './protocol.ts';
import type { World } from './world.ts';
import { unfencedRenders, withoutTemps } from './writer.ts';

/**
 * What a claimed batch goes through: the first clearing; the grace, until every noted transaction has ended;
 * the settle time, until every running unfenced render has ended; the second clearing; the deletion of its
 * journal rows. The snapshot that notes the transactions may come at any time after the commit, before the
 * first clearing or long after it.
 */
export interface Batch {
  readonly ids: readonly number[];
  readonly stage: 'claimed' | 'half cleared' | 'cleared' | 'settling' | 'half settled' | 'settled';
  readonly looks: 0 | 1 | 2;
  /** The noted transactions that have not ended. */
  readonly noted: readonly number[];
  /** The awaited unfenced renders that have not ended. */
  readonly renders: readonly number[];
}

export function batchOf(
  ids: readonly number[],
  world: World,
  protocol: Protocol,
  early: readonly number[] = [],
): Batch {
  return {
    ids,
    stage: 'claimed',
    looks: protocol.looks === 'after the commit' ? 0 : 1,
    noted: early.filter((who) => world.producers[who]?.is === 'open'),
    renders: protocol.settleStarts === 'at the claim' ? unfencedRenders(world) : [],
  };
}

export function* batchSteps(world: World, who: number, protocol: Protocol): Generator<Step<World>> {
  yield* graceSteps(world, who, protocol);
  const { batches } = world.daemons[who] ?? daemonAtStart;
  const becomes = daemonBecomes(world, who);
  const [first, second] = halves[protocol.clears];
  const [firstOfFirst, secondOfFirst] =
    halves[protocol.firstClears === 'like the second' ? protocol.clears : protocol.firstClears];
  for (const [index, batch] of batches.entries()) {
    const now = (label: string, change: Partial<Batch>, rest: Partial<World> = {}) =>
      becomes(label, { batches: batches.with(index, { ...batch, ...change }) }, rest);
    switch (batch.stage) {
      case 'claimed':
        yield now(
          `deletes ${firstOfFirst}`,
          { stage: secondOfFirst ? 'half cleared' : 'cleared' },
          cleared(world, firstOfFirst),
        );
        break;
      case 'half cleared':
        if (secondOfFirst)
          yield now(`deletes ${secondOfFirst}`, { stage: 'cleared' }, cleared(world, secondOfFirst));
        break;
      case 'cleared': {
        const renders =
          protocol.settleStarts === 'at the end of the grace' ? unfencedRenders(world) : batch.renders;
        if (graceIsOver(batch, protocol)) yield now('grace is over', { stage: 'settling', renders });
        break;
      }
      case 'settling':
        if (batch.renders.length > 0) break;
        if (protocol.secondClearing)
          yield now(
            `deletes ${first} again`,
            { stage: second ? 'half settled' : 'settled' },
            cleared(world, first),
          );
        else yield now('settles without a second clearing', { stage: 'settled' });
        break;
      case 'half settled':
        if (second) yield now(`deletes ${second} again`, { stage: 'settled' }, cleared(world, second));
        break;
      case 'settled':
        // DELETE by id waits for a transaction that updates the row, and then deletes the row, updated or
        // not.
        if (world.queue.some(({ read, is }) => read && is === 'updated')) break;
        yield becomes('is done', { batches: batches.toSpliced(index, 1) }, done(world, batch, protocol));
        break;
      default:
        batch.stage satisfies never;
    }
  }
}

type Half = 'temps' | 'pages';

const halves: Record<Protocol['clears'], readonly [Half, Half?]> = {
  'temps, then pages': ['temps', 'pages'],
  'pages, then temps': ['pages', 'temps'],
  'pages alone': ['pages'],
};

function cleared(world: World, half: Half): Partial<World> {
  return half === 'temps' ? { writers: withoutTemps(world) } : { page: 'absent' };
}

function done({ journal, queue }: World, { ids }: Batch, protocol: Protocol): Partial<World> {
  return {
    queue: queue.filter(({ read }) => !read),
    journal: protocol.deletesJournalRows === 'by the key' ? [] : journal.filter((id) => !ids.includes(id)),
  };
}
