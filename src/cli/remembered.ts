import { isNamedBy, type Reason } from '../clearing/reasons.ts';
import { type Address, formatAddress } from '../core/configuration.ts';
import type { Clearing, Status } from '../core/status.ts';
import { formatAge } from './age.ts';

/** A daemon on this machine answers at once, or not at all. */
const patienceMs = 2_000;

/** The daemon's last clearings, the newest first, if it serves them. It remembers a few, and nobody else remembers any. */
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

/** When a handler last cleared the page, as far as these tell: of a large batch only a few keys are remembered. */
export function lastClearingInWords(
  clearings: readonly Clearing[],
  reasons: readonly Reason[],
  names: (pattern: string) => boolean,
): string {
  const own = clearings.filter(({ handler }) => reasons.some((one) => one.handler.name === handler));
  const last = own.find(
    ({ keys, examples }) => keys > examples.length || examples.some((key) => isNamedBy(reasons, key, names)),
  );
  if (last === undefined) return `not among the daemon's last ${clearings.length} batches`;
  const { at, entries, keys, examples, files, lagMs } = last;
  const sure = examples.some((key) => isNamedBy(reasons, key, names));
  const doubt = sure ? '' : `perhaps: the daemon remembers ${examples.length} of the batch's ${keys} keys; `;
  const lag = lagMs === null ? '' : `, ${formatAge(lagMs)} after the oldest was made`;
  return `${doubt}${formatAge(Date.now() - at)} ago, in a batch of ${entries} entries and ${files} files${lag}`;
}
