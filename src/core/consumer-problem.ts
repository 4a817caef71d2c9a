/*
 * Why a cache cannot be used, as its daemon tells the fleet: a text in `uncached.consumer`. One that only asks to wait
 * is no failure, and is judged by what has to wait.
 */

const beginning = 'throttled until ';

export function throttledUntil(at: number, why: string): string {
  return `${beginning}${formatTime(at)}: ${why}`;
}

export function downSince(at: number, why: string): string {
  return `down since ${formatTime(at)}: ${why}`;
}

export function isThrottled(problem: string): boolean {
  return problem.startsWith(beginning);
}

/** To the second. */
function formatTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
