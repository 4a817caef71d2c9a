import type { Step } from '../explore.ts';
import type { Claim } from './claim.ts';
import { consumerOf, type Follower, followerAtStart, followerBecomes } from './follower.ts';
import { committed, concerns } from './log.ts';
import { isWiping, noticed } from './membership.ts';
import type { ClaimPlan, Setup } from './plan.ts';
import { takenUp } from './registration.ts';
import type { World } from './world.ts';
import { cleared } from './writer.ts';

/** A statement that shows a trimmed log shows the expiry that came before. The first clearing follows. */
export function* readSteps(world: World, who: number, setup: Setup): Generator<Step<World>> {
  const follower = world.followers[who] ?? followerAtStart;
  const becomes = followerBecomes(world, who, setup);
  const notices = noticed(world, who, setup);
  const { reads } = setup.protocol;
  const first = reads === 'state first, log later' && !follower.looked;
  const unread = committed(world.log).filter(({ id }) => id > follower.seen);
  if (notices !== undefined && (first || reads === 'state and log in one snapshot')) {
    yield becomes(`notices: ${notices}`, takenUp(world, who, setup));
  } else if (first) {
    if (unread.length > 0 && follower.woken) yield becomes('reads its state', { looked: true });
  } else if (unread.length > 0 ? follower.woken : follower.looked || (setup.wakes && follower.woken)) {
    const consumer = consumerOf(who, setup);
    const seen = unread.at(-1)?.id ?? follower.seen;
    const finds = unread.some((row) => concerns(consumer, row, setup));
    yield becomes(unread.length > 0 ? `reads the log to ${seen}` : 'finds nothing to read', {
      ...read(follower, seen, finds, setup),
      woken: setup.wakes !== true,
      looked: false,
    });
  }
  if (follower.pending) {
    const verb = isWiping(follower) ? 'wipes' : 'clears';
    yield becomes(verb, { pending: false }, firstCleared(world, consumerOf(who, setup), setup));
  }
}

function firstCleared(world: World, consumer: number, setup: Setup): Partial<World> {
  const early = setup.protocol.live === 'after the first wipe';
  const consumers = world.consumers.map((row, index) =>
    early && index === consumer && row.is === 'wiping' ? { ...row, is: 'live' as const } : row,
  );
  return { ...cleared(world, consumer, setup), consumers };
}

function read({ found, pending }: Follower, seen: number, finds: boolean, { protocol }: Setup) {
  const remembers = protocol.range === 'what was read';
  return {
    seen,
    found: found || (finds && remembers),
    pending: pending || (finds && protocol.firstClearing),
  };
}

/** The answer of a claim reaches the consumers of the daemon that claimed. */
export function fed(world: World, claim: Claim, { node, of }: ClaimPlan, setup: Setup): Follower[] {
  const { id, before, early } = claim;
  const { feeds, looks } = setup.protocol;
  return world.followers.map((follower, at) => {
    if (setup.followers[at]?.node !== node || follower.is !== 'up' || follower.seen >= id) return follower;
    const isNext = feeds === 'if the id is the next' ? follower.seen === id - 1 : before <= follower.seen;
    if (!isNext && feeds !== 'always') return { ...follower, woken: true };
    const next = { ...follower, ...read(follower, id, of === 'the key', setup) };
    if (looks !== 'inside the claim') return next;
    const settles = { stage: 'grace', wipes: false, found: next.found, noted: early, renders: [] } as const;
    const cohorts = [...follower.cohorts, { from: follower.begun, to: id, ...settles }];
    return { ...next, begun: id, found: false, cohorts };
  });
}
