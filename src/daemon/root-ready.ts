import type { RootGuard } from '../clearing/root-guard.ts';
import type { Clock } from '../core/contracts.ts';

/**
 * Resolves when the daemon may claim: when it knows the cache, or when root does not answer, since the daemon
 * does not wait for that. While a daemon with another root is in the way, nothing is claimed: otherwise those
 * rows would wait until this daemon gives up, and again each time it is restarted.
 */
export async function rootReady(
  root: Pick<RootGuard, 'inspected' | 'contested'>,
  { clock, inspectMs, signal }: { clock: Clock; inspectMs: number; signal: AbortSignal },
): Promise<void> {
  do await Promise.race([root.inspected, clock.wait(inspectMs, signal)]).catch(() => {});
  while (root.contested && !signal.aborted);
}
