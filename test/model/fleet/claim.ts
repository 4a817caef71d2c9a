import type { Step } from '../explore.ts';
import type { Row } from '../world.ts';
import { mayAppend, newest } from './log.ts';
import type { ClaimPlan, Setup } from './plan.ts';
import { openTransactions } from './producer.ts';
import { fed } from './reading.ts';
import type { World } from './world.ts';

/**
 * One claim, one statement. It takes its snapshot and deletes the entries; appends them, which gives out an
 * id; commits; and its answer comes. An orphan's daemon has died: it goes on or rolls back, unheard.
 */
export interface Claim {
  readonly is: 'idle' | 'deleting' | 'appending' | 'answering';
  readonly orphan: boolean;
  readonly id: number;
  /** What its snapshot shows: the newest row, and whether other nodes are registered. */
  readonly before: number;
  readonly notifies: boolean;
  /** Transactions noted before the commit, for a mutation. */
  readonly early: readonly number[];
}

export const claimAtStart: Claim = {
  is: 'idle',
  orphan: false,
  id: 0,
  before: 0,
  notifies: false,
  early: [],
};

export function* claimSteps(world: World, who: number, setup: Setup): Generator<Step<World>> {
  const claim = world.claims[who] ?? claimAtStart;
  const { node, of } = setup.claims[who] ?? { node: 0, of: 'the key' };
  const { protocol } = setup;
  const step = (label: string, change: Partial<Claim>, rest: Partial<World> = {}): Step<World> => ({
    label: `${claim.orphan ? 'orphaned claim' : `claim of node ${node + 1}`}: ${label}`,
    state: { ...world, ...rest, claims: world.claims.with(who, { ...claim, ...change }) },
  });
  if (claim.is !== 'idle' && claim.orphan) {
    const log = world.log.filter(({ by }) => by !== who);
    yield step('rolls back', claimAtStart, { ...given(world, who, of), log });
  }
  switch (claim.is) {
    case 'idle': {
      const takes = taken(world, who, of);
      if (!takes || isDown(world, node, setup)) return;
      const before = protocol.feeds === 'if its snapshot shows no row between' ? newest(world.log) : 0;
      const notifies =
        setup.wakes === true && (protocol.notifies === 'every node' || hasOthers(world, node, setup));
      const what = of === 'the key' ? 'the entries' : 'an entry of another key';
      yield step(`deletes ${what}`, { is: 'deleting', before, notifies }, takes);
      return;
    }
    case 'deleting': {
      if (!mayAppend(world, protocol)) return;
      const id = world.lastId + 1;
      const early = protocol.looks === 'inside the claim' ? openTransactions(world, protocol) : [];
      const log = [...world.log, { id, names: of, of: -1, by: who }];
      yield step(`appends row ${id}`, { is: 'appending', id, early }, { log, lastId: id });
      return;
    }
    case 'appending': {
      const queue = of === 'the key' ? world.queue.filter((row) => !isTakenBy(row, who)) : world.queue;
      const log = world.log.map((row) => (row.by === who ? { ...row, by: -1 } : row));
      const woken = (at: number) => claim.notifies && setup.followers[at]?.node !== node;
      const followers = world.followers.map((it, at) =>
        woken(at) && it.is !== 'down' ? { ...it, woken: true } : it,
      );
      const heard = setup.feeds && !claim.orphan;
      const change: Claim = heard ? { ...claim, is: 'answering' } : claimAtStart;
      yield step('commits', change, { queue, log, followers });
      return;
    }
    case 'answering':
      yield step('is answered', claimAtStart, { followers: fed(world, claim, { node, of }, setup) });
      return;
    default:
      claim.is satisfies never;
  }
}

/** A node without a consumer in the model claims at any time. */
function isDown({ followers }: World, node: number, setup: Setup): boolean {
  const here = followers.filter((_, at) => setup.followers[at]?.node === node);
  return here.length > 0 && here.every(({ is }) => is === 'down');
}

function hasOthers({ consumers }: World, node: number, { followers }: Setup): boolean {
  return followers.some((it) => it.node !== node && consumers[it.consumer]?.is !== 'unknown');
}

function taken({ queue, others }: World, who: number, of: ClaimPlan['of']): Partial<World> | undefined {
  if (of === 'another key') return others > 0 ? { others: others - 1 } : undefined;
  if (!queue.some(({ is }) => is === 'there')) return undefined;
  return { queue: queue.map((row) => (row.is === 'there' ? { ...row, is: 'deleted', by: who } : row)) };
}

function given({ queue, others }: World, who: number, of: ClaimPlan['of']): Partial<World> {
  if (of === 'another key') return { others: others + 1 };
  return { queue: queue.map((row): Row => (isTakenBy(row, who) ? { ...row, is: 'there', by: -1 } : row)) };
}

function isTakenBy({ is, by }: Row, who: number): boolean {
  return is === 'deleted' && by === who;
}
