/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/**
 * Aborts with `signal`. The caller aborts it when it is needed no more. For a signal that lives as long as the daemon,
 * instead of AbortSignal.any(): Node 20 and 22 keep a hundred bytes or more of each as long as that one, and all that its
 * listeners refer to, also after it was aborted.
 */
export function childOf(signal: AbortSignal): AbortController {
  const child = new AbortController();
  const end = () => child.abort();
  if (signal.aborted) {
    end();
    return child;
  }
  signal.addEventListener('abort', end, { once: true });
  child.signal.addEventListener('abort', () => signal.removeEventListener('abort', end), { once: true });
  return child;
}
