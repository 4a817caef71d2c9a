import type { Clock } from '../core/contracts.ts';
import type { Wakeup } from '../core/wakeup.ts';

/** The root of the page files, as the daemon sees it (caches/files/root-guard.ts). */
export interface GuardedRoot {
  /** Woken when it should be examined soon. */
  readonly wakeup: Wakeup;
  /** Resolves when it has been examined, whatever the result. */
  readonly inspected: Promise<void>;
  /** Why it is not used, which it reports itself, under the name of its loop. */
  readonly problem: Error | undefined;
  /** Examines it. Returns the milliseconds until the next time. */
  step(mostMs: number): Promise<number>;
  /** What the consumers have written may be undone: they read it again. */
  rejoin(): void;
  /** Ends every wait for it. */
  end(why: Error): void;
  /** The process ends in order. */
  leave(): Promise<void>;
}

/**
 * Resolves when the daemon may listen: when it knows the cache, or when root does not answer, since the daemon
 * does not wait for that.
 */
export async function rootReady(
  root: Pick<GuardedRoot, 'inspected'>,
  { clock, inspectMs, signal }: { clock: Clock; inspectMs: number; signal: AbortSignal },
): Promise<void> {
  await Promise.race([root.inspected, clock.wait(inspectMs, signal)]).catch(() => {});
}
