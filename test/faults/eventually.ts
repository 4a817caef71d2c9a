import { setTimeout as wait } from 'node:timers/promises';

/**
 * Outside state sends no event when it changes (an empty table, an ended process), so it is polled this
 * often.
 */
const askAgainMs = 25;

/**
 * Resolves with the first result that is not undefined. At the deadline it rejects with the text of `state`.
 */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  state: () => Promise<string>,
  ms = 100_000,
  againMs = askAgainMs,
): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`Not ${what} within ${ms} ms: ${await state()}`);
    await wait(againMs);
  }
}
