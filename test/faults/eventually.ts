import { setTimeout as wait } from 'node:timers/promises';

/**
 * What is outside tells nobody that it has changed (a table that is empty, a process that is gone): it is
 * asked this often.
 */
const askAgainMs = 25;

/**
 * Resolves with the first answer that is not undefined; rejects at the deadline with what `state` says then.
 */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  state: () => Promise<string>,
  ms = 60_000,
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
