import type { Listener } from '../core/listener-contract.ts';

/**
 * Proves that a listener has heard everything that was committed before the call. A heartbeat serves all who
 * came before it was sent; there is one at a time. Rejects if the listener is lost or does not receive it.
 */
export function proofs(
  listener: Listener,
  { now, onProven }: { now: () => number; onProven: (sentAt: number) => void },
): () => Promise<void> {
  let underWay: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let lost: Error | undefined;
  // One for all heartbeats: each reaction to a promise that is pending for days would be kept as long.
  let interrupt = (_error: Error) => {};
  listener.lost.then((error) => {
    lost = error;
    interrupt(error);
  });

  function send(): Promise<void> {
    const sentAt = now();
    underWay = new Promise<void>((resolve, reject) => {
      if (lost) reject(lost);
      interrupt = reject;
      listener.heartbeat().then(() => {
        onProven(sentAt);
        resolve();
      }, reject);
    }).finally(() => {
      underWay = undefined;
    });
    return underWay;
  }

  return () => {
    if (underWay === undefined) return send();
    next ??= underWay
      .catch(() => {})
      .then(() => {
        next = undefined;
        return underWay ?? send();
      });
    return next;
  };
}
