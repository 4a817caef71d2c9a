import { backoffMs } from '../core/backoff.ts';
import type { Clock } from '../core/contracts.ts';
import { toError } from '../core/errors.ts';
import type { Observe } from '../core/events.ts';

/** Connects and LISTENs; resolves when every LISTEN is committed. `lost` settles with the reason when hearing ends. */
export type Listen = (
  onNotification: (channel: string) => void,
) => Promise<{ lost: Promise<Error>; close(): void }>;

/**
 * Listens for ever: a connection that is lost is thrown away and a fresh one built. `onListening` is called after each LISTEN, so
 * that what was committed while nobody listened is caught up with. Returns when the signal aborts.
 */
export async function keepListening(
  listen: Listen,
  {
    onNotification,
    onListening,
    clock,
    observe,
    signal,
  }: {
    onNotification: (channel: string) => void;
    onListening: () => void;
    clock: Clock;
    observe: Observe;
    signal: AbortSignal;
  },
): Promise<void> {
  const aborted = new Promise<undefined>((resolve) =>
    signal.addEventListener('abort', () => resolve(undefined)),
  );
  for (let failures = 0; !signal.aborted; ) {
    try {
      const listening = await listen(onNotification);
      failures = 0;
      if (!signal.aborted) onListening();
      const lost = await Promise.race([listening.lost, aborted]);
      listening.close();
      if (lost) observe({ kind: 'listener-lost', error: lost });
    } catch (thrown) {
      failures += 1;
      const retryMs = backoffMs(failures);
      if (failures === 1) observe({ kind: 'connecting', error: toError(thrown), retryMs });
      await clock.wait(retryMs, signal).catch(() => {});
    }
  }
}
