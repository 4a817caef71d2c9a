import type { SeenConsumer } from '../core/consumer-contract.ts';
import { formatConsumer } from '../core/consumer-name.ts';
import { isThrottled } from '../core/consumer-problem.ts';
import type { Problem, Thresholds } from '../core/daemon-status.ts';
import { formatDuration, toSeconds } from '../core/duration.ts';
import { shellWord } from '../core/shell.ts';
import { silentMs } from '../core/timings.ts';

/**
 * What is wrong with the caches of the fleet, as the database shows them.
 * @param isTold whether it is reported in another way
 */
export function assessConsumers(
  consumers: readonly SeenConsumer[],
  thresholds: Thresholds,
  isTold: (one: SeenConsumer) => boolean,
): Problem[] {
  return consumers.flatMap((one): Problem[] => {
    const verdict = isTold(one) ? undefined : judge(one, consumers, thresholds);
    if (!verdict) return [];
    return [
      {
        level: verdict.level,
        kind: 'consumer',
        consumer: one.id,
        text: `${formatConsumer(one)} ${verdict.text}`,
      },
    ];
  });
}

/**
 * The same for a daemon. It says what it knows of its own caches in other ways, except that one is being wiped. Those
 * of others are a warning: that pages are stale on another node is no reason to ask nothing of this one.
 */
export function assessOthers(
  consumers: readonly SeenConsumer[],
  thresholds: Thresholds,
  owner: string | undefined,
): Problem[] {
  const isTold = (one: SeenConsumer) => one.owner === owner && one.state !== 'wiping';
  return assessConsumers(consumers, thresholds, isTold).map((problem) => ({ ...problem, level: 'warning' }));
}

/**
 * Of these, what the log of a daemon says: not that others start again, or are being wiped, which passes. Its own
 * wipes are in the log.
 */
export function lastingOthers(
  consumers: readonly SeenConsumer[],
  thresholds: Thresholds,
  owner: string | undefined,
): Problem[] {
  const expired = new Set(consumers.flatMap(({ id, state }) => (state === 'expired' ? [id] : [])));
  return assessConsumers(consumers, thresholds, (one) => one.owner === owner)
    .filter(({ level, consumer = '' }) => level === 'critical' || expired.has(consumer))
    .map((problem) => ({ ...problem, level: 'warning' }));
}

function judge(
  one: SeenConsumer,
  all: readonly SeenConsumer[],
  { warningMs, criticalMs }: Thresholds,
): Pick<Problem, 'level' | 'text'> | undefined {
  const { id, state, problem, connected, seenMs } = one;
  const forget = `uncached consumers forget ${shellWord(id)}`;
  const isGone = !connected || seenMs > silentMs;
  // What stands behind the page files of a root comes and goes with them.
  const front = all.find((other) => id.startsWith(`${other.id} `));
  if (front && (state === 'expired' || isGone || (problem !== null && problem === front.problem)))
    return undefined;
  if (state === 'expired')
    return {
      level: 'warning',
      text: `was away for too long and has expired: it is wiped when it returns; if it never will: ${forget}`,
    };
  const lagMs = one.lagMs ?? 0;
  const isThrottledOnly = problem !== null && isThrottled(problem);
  if (problem !== null && !isThrottledOnly)
    return {
      // Its daemon says how long a target has been down; here it counts what that has made stale.
      level: front && lagMs < criticalMs ? 'warning' : 'critical',
      text: `is not cleared: ${problem}`,
    };
  if (isGone)
    return {
      level: seenMs >= criticalMs ? 'critical' : 'warning',
      text: `is cleared by no daemon since ${formatDuration(seenMs)}: start it there; if it is gone for good: ${forget}`,
    };
  if (state === 'wiping')
    return {
      level: 'warning',
      text: 'is being wiped: what is cached there may be stale until that is done',
    };
  // If it is the only one, its lag is that of the handlers.
  if (all.length === 1 || lagMs < warningMs) return undefined;
  return {
    level: lagMs >= criticalMs ? 'critical' : 'warning',
    text: `lags behind, by ${toSeconds(lagMs)} s${isThrottledOnly ? `: ${problem}` : ''}`,
  };
}
