import { formatConsumer } from '../../core/consumer-name.ts';
import { formatDuration } from '../../core/duration.ts';
import { orderKey } from '../../core/order-key.ts';
import type { LastClearing } from '../../postgres/last-clearing.ts';
import { formatKey } from './format-key.ts';

/** When the page was last cleared because of an entry, as far as the log goes back, and where. */
export function formatLastClearing(last: LastClearing | undefined, columns: readonly string[]): string[] {
  if (last === undefined) return ['not as far as the log goes back (keep)'];
  const { id, key, claimedMs, enqueuedMs, consumers } = last;
  const lag =
    enqueuedMs === null
      ? ''
      : `, ${formatDuration(Math.max(0, enqueuedMs - claimedMs))} after its oldest entry`;
  const where = consumers.map((one) => {
    const state =
      one.error !== null
        ? `failing: ${one.error}`
        : one.settled
          ? 'cleared, settled'
          : one.cleared
            ? 'cleared, settling'
            : 'not cleared yet';
    return `${formatConsumer(one)}: ${state}`;
  });
  return [
    `row ${id}${entryOf(orderKey(key, columns))}, claimed ${formatDuration(claimedMs)} ago${lag}`,
    ...where,
  ];
}

function entryOf(key: LastClearing['key']): string {
  const text = formatKey(key);
  return text === '' ? '' : ` for ${text}`;
}
