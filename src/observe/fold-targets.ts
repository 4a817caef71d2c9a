import { TargetDownError } from '../core/errors.ts';
import type { Event, Report } from '../core/events.ts';

/**
 * Reports that a target is down once, and once that it answers again, with what it has missed: each of its loops fails
 * meanwhile, and its reason may change with every attempt.
 * @param rowsBehind of a target; undefined if that is not known
 */
export function foldTargets(
  observe: Report,
  rowsBehind: (target: string) => Promise<number | undefined>,
): Report {
  const down = new Set<string>();
  const counting = new Map<string, Promise<void>>();
  /** Loops that fail since a target is down. */
  const failing = new Set<string>();
  /** Loops whose failure was reported. */
  const told = new Set<string>();

  function answersAgain(event: Extract<Event, { kind: 'target-up' }>): void {
    if (!down.delete(event.target)) return;
    const told = rowsBehind(event.target).then(
      (behind) => observe(behind === undefined ? event : { ...event, behind }),
      () => observe(event),
    );
    counting.set(event.target, told);
  }

  /** After the end of the last time. */
  function isDown(event: Extract<Event, { kind: 'target-down' }>): void {
    const before = counting.get(event.target);
    if (before) before.then(() => observe(event));
    else observe(event);
  }

  return (event) => {
    switch (event.kind) {
      case 'target-down':
        if (!down.has(event.target)) isDown(event);
        down.add(event.target);
        return;
      case 'target-up':
        return answersAgain(event);
      case 'loop-failed':
        if (event.error instanceof TargetDownError) {
          failing.add(event.loop);
          if (told.delete(event.loop)) observe({ kind: 'loop-recovered', loop: event.loop });
          return;
        }
        failing.delete(event.loop);
        told.add(event.loop);
        return observe(event);
      case 'loop-recovered':
        told.delete(event.loop);
        if (!failing.delete(event.loop)) observe(event);
        return;
      default:
        return observe(event);
    }
  };
}
