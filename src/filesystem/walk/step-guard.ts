import { usualTimings } from '../../core/timings.ts';
import { refusal } from './directory.ts';

/** A worker is a process of its own, and has the usual times. */
const { progressMs } = usualTimings.worker;

interface StepGuardOptions {
  /** Directories, below root, that do not answer: the worker must not touch them. */
  readonly suspended?: readonly string[];
  /** Whether to report each step before it is taken, so that the daemon knows which one never ended. */
  readonly traced?: boolean;
}

/**
 * Runs before each step of a request: keeps it out of directories that do not answer, and reports progress.
 */
export function guardSteps(
  { suspended = [], traced = false }: StepGuardOptions,
  say: (path: string, isListing: boolean) => void,
): (path: string, isListing: boolean) => void {
  const refused = new Set(suspended);
  let saidAt = performance.now();
  let said: string | undefined;
  return (path, isListing) => {
    if (refused.has(path)) throw notAnswering();
    const now = performance.now();
    if (now - saidAt < progressMs && !(traced && (path !== said || isListing))) return;
    saidAt = now;
    said = path;
    say(path, isListing);
  };
}

export const notAnsweringCode = 'ETIMEDOUT';
export const notAnsweringMessage = 'does not answer: its disk or file server may be gone';

function notAnswering(): Error {
  return refusal(notAnsweringCode, notAnsweringMessage);
}
