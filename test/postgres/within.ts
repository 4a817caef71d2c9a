/**
 * Runs `wait` with a deadline of `ms` milliseconds. When the time is over it rejects with `Cannot <what>: not
 * done within <ms> ms`, even if `wait` ignores the signal that it was given. The signal tells `wait` to
 * remove its listeners.
 *
 * The timer keeps the event loop alive, so a wait on handles that do not (see guardian.ts) still ends.
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
      // This comes first, so that it wins over the AbortError of a wait that reacts to the signal.
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
