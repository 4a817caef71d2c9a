/**
 * Runs `wait` under a deadline of `ms` milliseconds. The signal it is handed aborts at the deadline, so that a wait lets
 * go of what it listens to. Rejects with `Cannot <what>: not done within <ms> ms` when the deadline was the reason.
 *
 * The timer holds the event loop open: a wait on handles that do not (see guardian.ts) still comes to its end.
 */
export async function within<T>(
  ms: number,
  what: string,
  wait: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    deadline.abort(new Error(`Cannot ${what}: not done within ${ms} ms`));
  }, ms);
  try {
    return await wait(deadline.signal);
  } catch (error) {
    throw deadline.signal.aborted ? deadline.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}
