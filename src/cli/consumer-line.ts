import type { SeenConsumer } from '../core/consumer-contract.ts';
import { formatConsumer } from '../core/consumer-name.ts';
import { formatDuration } from '../core/duration.ts';
import { several } from '../core/plural.ts';

/** A cache of the fleet, on one line. */
export function consumerLine(one: SeenConsumer): string {
  const { state, behind, unsettled, lagMs, failing, seenMs, owner, connected, problem } = one;
  const place =
    behind > 0
      ? `${several(behind, 'row')} behind${lagMs === null ? '' : ` (${formatDuration(lagMs)})`}`
      : unsettled > 0
        ? `${several(unsettled, 'row')} settling`
        : 'up to date';
  return [
    `${formatConsumer(one)}: ${state}`,
    place,
    ...(failing > 0 ? [`${several(failing, 'row')} failing`] : []),
    `seen ${formatDuration(seenMs)} ago`,
    ...(connected ? [] : [owner === null ? 'stopped' : 'without a daemon']),
    ...(problem === null ? [] : [problem]),
  ].join(', ');
}
