import type { Problem } from '../core/daemon-status.ts';
import type { Report } from '../core/events.ts';

/**
 * Logs what only the counts show, and no event reports: entries that are not claimed, such as those that an
 * open transaction holds, or those of a disabled handler. One line when it begins, and one when it is over.
 */
export class CountedProblems {
  #reported = new Map<string, Problem>();

  /** @param problems by the counts; @param known other problems, which are logged already */
  log(problems: readonly Problem[], known: readonly Problem[], observe: Report): void {
    const now = new Map(problems.filter(isSilent).map((one) => [keyOf(one), one]));
    for (const problem of known) {
      const key = keyOf(problem);
      // What was logged by the counts goes on until they no longer show it.
      if (!this.#reported.has(key)) now.delete(key);
    }
    for (const [key, problem] of now)
      if (!this.#reported.has(key)) observe({ kind: 'problem-found', problem });
    for (const [key, problem] of this.#reported)
      if (!now.has(key)) observe({ kind: 'problem-resolved', problem });
    this.#reported = now;
  }
}

/** A lag of some seconds passes by itself. */
function isSilent({ kind, level }: Problem): boolean {
  return (
    kind === 'settling' ||
    kind === 'consumer' ||
    (level === 'critical' && ['lag', 'backlog', 'handler'].includes(kind))
  );
}

function keyOf({ kind, handler, consumer }: Problem): string {
  return `${kind} ${handler ?? consumer}`;
}
