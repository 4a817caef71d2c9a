import { childOf } from '../core/aborted.ts';
import { backoffMs } from '../core/backoff.ts';
import type { Clock } from '../core/contracts.ts';
import { toError } from '../core/errors.ts';
import type { Observe } from '../core/events.ts';
import type { Listener, OnNotification } from '../core/listener-contract.ts';
import type { Limits } from '../core/timings.ts';

/** Connects and LISTENs; resolves when every LISTEN is committed. */
export type Listen = (onNotification: OnNotification) => Promise<Listener>;

interface ListenOptions {
  readonly heartbeatMs: number;
  readonly backoff: Limits;
  readonly onNotification: OnNotification;
  /** Called after each LISTEN that is proved to receive. */
  readonly onListening: () => void;
  readonly clock: Clock;
  readonly observe: Observe;
  readonly signal: AbortSignal;
}

/**
 * Listens until the signal aborts. A connection that is lost or receives nothing is discarded and a new one
 * is made. After each LISTEN the daemon catches up with what was committed in the meantime.
 */
export async function keepListening(listen: Listen, options: ListenOptions): Promise<void> {
  const { backoff, onNotification, onListening, clock, observe, signal } = options;
  for (let failures = 0; !signal.aborted; ) {
    let listener: Listener | undefined;
    try {
      listener = await listen(onNotification);
      await proveAlive(listener, options);
      if (signal.aborted) return;
      failures = 0;
      onListening();
      const lost = await untilLost(listener, options);
      if (lost) observe({ kind: 'listener-lost', error: lost });
    } catch (thrown) {
      failures += 1;
      const retryMs = backoffMs(failures, backoff);
      observe({
        kind: failures === 1 ? 'database-unavailable' : 'retrying',
        error: toError(thrown),
        retryMs,
      });
      await clock.wait(retryMs, signal).catch(() => {});
    } finally {
      listener?.close();
    }
  }
}

/** Resolves with the reason when the listener is lost, or with nothing when the signal aborts. */
async function untilLost(listener: Listener, options: ListenOptions): Promise<Error | undefined> {
  const { heartbeatMs, clock, signal } = options;
  const beating = childOf(signal);
  const notListening = (async () => {
    for (;;) {
      try {
        await clock.wait(heartbeatMs, beating.signal);
      } catch {
        return undefined;
      }
      try {
        await proveAlive(listener, options);
      } catch (error) {
        return toError(error);
      }
    }
  })();
  try {
    return await Promise.race([listener.lost, notListening]);
  } finally {
    beating.abort();
  }
}

async function proveAlive(listener: Listener, { clock, observe }: ListenOptions): Promise<void> {
  const sent = clock.now();
  await listener.heartbeat();
  observe({ kind: 'heartbeat', ms: clock.now() - sent });
}
