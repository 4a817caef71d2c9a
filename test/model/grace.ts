import { type Daemon, daemonAtStart, daemonBecomes } from './daemon.ts';
import type { Step } from './explore.ts';
import type { Protocol } from './protocol.ts';
import type { Batch } from './settling.ts';
import type { World } from './world.ts';

/**
 * The snapshots that note which transactions a batch must outwait. A late snapshot is as good as a prompt
 * one. A transaction that skipped its insert did so before the commit of the claim. At the snapshot it is one
 * of three: open, and noted; prepared, and listed once the virtual ids are gone; or ended, and then its
 * change is committed before the second clearing anyway.
 */
export function* graceSteps(world: World, who: number, protocol: Protocol): Generator<Step<World>> {
  const { batches } = world.daemons[who] ?? daemonAtStart;
  const becomes = daemonBecomes(world, who);
  const noted = openTransactions(world, protocol);
  const unlooked = batches.flatMap(({ looks }, index) => (looks === 0 ? [index] : []));
  const together = protocol.look === 'shared by many claims' ? [unlooked] : unlooked.map((index) => [index]);
  for (const indices of together.filter(({ length }) => length > 0)) {
    const looked = batches.map((batch, index) =>
      indices.includes(index) ? { ...batch, looks: 1 as const, noted } : batch,
    );
    yield becomes(`notes open transactions: ${listed(noted)}`, { batches: looked });
  }

  if (protocol.prepared !== 'noted in a later look') return;
  for (const [index, batch] of batches.entries()) {
    if (batch.looks !== 1 || batch.noted.length > 0) continue;
    const found = preparedTransactions(world);
    const looked: Batch = { ...batch, looks: 2, noted: found };
    yield becomes(`notes prepared transactions: ${listed(found)}`, { batches: batches.with(index, looked) });
  }
}

export function graceIsOver({ looks, noted }: Batch, protocol: Protocol): boolean {
  if (protocol.looks === 'never') return true;
  return noted.length === 0 && looks === (protocol.prepared === 'noted in a later look' ? 2 : 1);
}

export function openTransactions({ producers }: World, protocol: Protocol): number[] {
  return [...producers.entries()].flatMap(([who, { is, xid }]) => {
    if (is === 'prepared') return protocol.prepared === 'noted in the same look' ? [who] : [];
    return is === 'open' && (xid || protocol.notes === 'virtual ids') ? [who] : [];
  });
}

function preparedTransactions({ producers }: World): number[] {
  return [...producers.entries()].flatMap(([who, { is }]) => (is === 'prepared' ? [who] : []));
}

/** A transaction ended or was prepared, so daemons that noted its virtual id no longer find it. */
export function without(who: number, daemons: readonly Daemon[]): Daemon[] {
  return daemons.map((daemon) => ({
    ...daemon,
    batches: daemon.batches.map((batch) => ({
      ...batch,
      noted: batch.noted.filter((noted) => noted !== who),
    })),
  }));
}

function listed(noted: readonly number[]): string {
  return noted.map((who) => who + 1).join(' and ') || 'none';
}
