import type { Problem, Thresholds } from '../core/daemon-status.ts';
import { formatDuration } from '../core/duration.ts';
import type { Holding, HoldingKind } from '../core/holding.ts';
import { clip, longestError } from '../core/printable-text.ts';

/**
 * What holds announcements for so long that it does not pass by itself. Pages are not stale because of it, so it is no
 * more than a warning.
 */
export function assessHolding(holding: readonly Holding[], { criticalMs }: Thresholds): Problem[] {
  const unknown = holding.filter(({ kind }) => kind === 'unknown');
  const long = holding.filter(({ kind, heldMs }) => kind !== 'unknown' && (heldMs ?? 0) >= criticalMs);
  const oldest = long.toSorted((one, other) => (other.heldMs ?? 0) - (one.heldMs ?? 0))[0];
  return [
    ...unknown.map(({ detail }) => warning(`nothing is announced as cleared: ${detail}`)),
    ...(oldest ? [warning(`announcements of changes are held: ${formatHolding(oldest)}`)] : []),
  ];
}

/** Without end where the barrier does not know something, and 0 where nothing says since when. */
export function longestHeldMs(holding: readonly Holding[], by: HoldingKind): number {
  return holding
    .filter(({ kind }) => kind === by)
    .reduce(
      (longest, { heldMs }) => Math.max(longest, by === 'unknown' ? Number.POSITIVE_INFINITY : (heldMs ?? 0)),
      0,
    );
}

const warning = (text: string): Problem => ({ level: 'warning', kind: 'barrier', text });

export function formatHolding({ kind, handler, consumer, xid, heldMs, detail }: Holding): string {
  const held =
    xid === '0' ? 'everything' : kind === 'transaction' ? `transaction ${xid}` : `from transaction ${xid} on`;
  return [
    `${held}, by ${words[kind]}`,
    ...(handler === null ? [] : [`of ${handler}`]),
    ...(consumer === null ? [] : [`at ${consumer}`]),
    ...(heldMs === null ? [] : [`for ${formatDuration(heldMs)}`]),
  ]
    .join(' ')
    .concat(`: ${clip(detail, longestError)}`);
}

const words: Readonly<Record<Holding['kind'], string>> = {
  queue: 'the queue',
  log: 'the log',
  failing: 'failing rows',
  consumer: 'a cache',
  transaction: 'an open transaction',
  unknown: 'what is not known',
};
