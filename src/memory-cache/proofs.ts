export interface Proofs {
  /** Resolves when everything that was committed before the call has been heard. */
  prove(): Promise<void>;
  /** The listener is gone: what is being proved rejects now, and not when its time is over. */
  end(error: Error): void;
}

/** A heartbeat serves all who came before it was sent; there is one at a time. */
export function proofs(
  heartbeat: () => Promise<void>,
  { now, onProven }: { now: () => number; onProven: (sentAt: number) => void },
): Proofs {
  let underWay: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let ended: Error | undefined;
  let interrupt = (_error: Error) => {};

  function send(): Promise<void> {
    const sentAt = now();
    underWay = new Promise<void>((resolve, reject) => {
      if (ended) return reject(ended);
      interrupt = reject;
      heartbeat().then(() => {
        onProven(sentAt);
        resolve();
      }, reject);
    }).finally(() => {
      underWay = undefined;
    });
    return underWay;
  }

  return {
    prove() {
      if (underWay === undefined) return send();
      next ??= underWay
        .catch(() => {})
        .then(() => {
          next = undefined;
          return underWay ?? send();
        });
      return next;
    },
    end(error) {
      ended = error;
      interrupt(error);
    },
  };
}
