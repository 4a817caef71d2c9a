/**
 * Runs `wait` under a deadline of `ms` milliseconds and rejects with `Cannot <what>: not done within <ms> ms`
 * when it is over, whether or not `wait` heeds the signal it is handed, which tells it to let go of what it
 * listens to.
 *
 * The timer holds the event loop open: a wait on handles that do not (see guardian.ts) still comes to its
 * end.
 */
export async function within<T>(
  ms: number,
  what: string,
  wait: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`Cannot ${what}: not done within ${ms} ms`);
      // First, so that it wins over the AbortError of a wait that heeds the signal.
      reject(error);
      deadline.abort(error);
    }, ms);
  });
  try {
    return await Promise.race([expired, wait(deadline.signal)]);
  } finally {
    clearTimeout(timer);
  }
}
