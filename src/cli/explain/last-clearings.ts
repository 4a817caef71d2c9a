import { type Address, formatAddress } from '../../core/configuration.ts';
import type { Key } from '../../core/contracts.ts';
import type { Clearing, Status } from '../../core/daemon-status.ts';
import { formatDuration } from '../../core/duration.ts';
import { several } from '../../core/plural.ts';
import { isClipped } from '../../core/printable-text.ts';
import { matchesKey, type TemplateMatch } from './matches.ts';

/** A daemon on this machine answers at once, or not at all. */
const patienceMs = 2_000;

/**
 * The daemon's last clearings, the newest first, if it serves them. Only the daemon remembers them, and only
 * a few.
 */
export async function lastClearings(listen: Address | undefined): Promise<readonly Clearing[] | undefined> {
  if (listen === undefined) return undefined;
  try {
    const url = `http://${formatAddress(listen)}/status.json`;
    const response = await fetch(url, { signal: AbortSignal.timeout(patienceMs) });
    return response.ok ? ((await response.json()) as Status).clearings : undefined;
  } catch {
    return undefined;
  }
}

/**
 * When a handler last cleared the page, according to these: of a large batch only a few keys are remembered.
 */
export function formatLastClearing(
  clearings: readonly Clearing[],
  matches: readonly TemplateMatch[],
  covers: (pattern: string) => boolean,
): string {
  const own = clearings.filter(({ handler }) => matches.some((one) => one.handler.name === handler));
  const last = own.find(
    ({ keys, examples }) =>
      keys > examples.length || examples.some((key) => matchesKey(matches, key, covers) || isClippedKey(key)),
  );
  if (last === undefined)
    return `not among the daemon's last ${several(clearings.length, 'batch', 'batches')}`;
  const { at, entries, keys, failedKeys, examples, files, lagMs } = last;
  const sure = examples.some((key) => matchesKey(matches, key, covers));
  const doubt = sure
    ? ''
    : `perhaps: the daemon remembers ${whole(examples)} of the batch's ${several(keys, 'key')}; `;
  const lag = lagMs === null ? '' : `, ${formatDuration(lagMs)} after the oldest was made`;
  const others = failedKeys > 0 ? `; ${several(failedKeys, 'other key')} of it failed` : '';
  return `${doubt}${formatDuration(Date.now() - at)} ago, in a batch of ${several(entries, 'entry', 'entries')} and ${several(files, 'file')}${lag}${others}`;
}

function whole(examples: readonly Key[]): number {
  return examples.filter((key) => !isClippedKey(key)).length;
}

function isClippedKey(key: Key): boolean {
  return Object.values(key).some((value) => value !== null && isClipped(value));
}
