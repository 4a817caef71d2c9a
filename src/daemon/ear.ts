import { backoffMs } from '../core/backoff.ts';
import type { Clock } from '../core/contracts.ts';
import { toError } from '../core/errors.ts';
import type { Observe } from '../core/events.ts';

interface Listening {
  /** Settles with the reason when hearing ends. */
  readonly lost: Promise<Error>;
  /** Rejects if notifications are not heard. */
  heartbeat(): Promise<void>;
  close(): void;
}

/** Connects and LISTENs; resolves when every LISTEN is committed. */
export type Listen = (onNotification: (channel: string) => void) => Promise<Listening>;

interface Ears {
  readonly heartbeatMs: number;
  readonly onNotification: (channel: string) => void;
  /** Called after each LISTEN that is proved to hear. */
  readonly onListening: () => void;
  readonly clock: Clock;
  readonly observe: Observe;
  readonly signal: AbortSignal;
}

/**
 * Listens for ever: a connection that is lost or deaf is thrown away and a fresh one built. After each LISTEN what was committed while
 * nobody listened is caught up with. Returns when the signal aborts.
 */
export async function keepListening(listen: Listen, ears: Ears): Promise<void> {
  const { onNotification, onListening, clock, observe, signal } = ears;
  for (let failures = 0; !signal.aborted; ) {
    let listening: Listening | undefined;
    try {
      listening = await listen(onNotification);
      await beat(listening, ears);
      if (signal.aborted) return;
      failures = 0;
      onListening();
      const lost = await untilDeaf(listening, ears);
      if (lost) observe({ kind: 'listener-lost', error: lost });
    } catch (thrown) {
      failures += 1;
      const retryMs = backoffMs(failures);
      observe({ kind: failures === 1 ? 'connecting' : 'trying', error: toError(thrown), retryMs });
      await clock.wait(retryMs, signal).catch(() => {});
    } finally {
      listening?.close();
    }
  }
}

/** Resolves with the reason when hearing ends, or with nothing when the signal aborts. */
async function untilDeaf(listening: Listening, ears: Ears): Promise<Error | undefined> {
  const { heartbeatMs, clock, signal } = ears;
  const beating = new AbortController();
  const end = AbortSignal.any([signal, beating.signal]);
  const deaf = (async () => {
    for (;;) {
      try {
        await clock.wait(heartbeatMs, end);
      } catch {
        return undefined;
      }
      try {
        await beat(listening, ears);
      } catch (error) {
        return toError(error);
      }
    }
  })();
  try {
    return await Promise.race([listening.lost, deaf]);
  } finally {
    beating.abort();
  }
}

async function beat(listening: Listening, { clock, observe }: Ears): Promise<void> {
  const sent = clock.now();
  await listening.heartbeat();
  observe({ kind: 'heartbeat', ms: clock.now() - sent });
}
