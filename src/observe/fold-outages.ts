import { errorCode, isOutage } from '../core/errors.ts';
import type { Event, Report } from '../core/events.ts';

/**
 * Reports an outage of the database once, and its end once, however many loops suffer from it and however
 * often they try. It ends when the last of those loops works again. A connection that broke is reported with
 * the error of the next one, which says what to do; as broken only if the next one works.
 */
export function foldOutages(observe: Report, now: () => number): Report {
  const failing = new Set<string>();
  /** Loops whose own failure was reported, and not its end. */
  const reported = new Set<string>();
  let since = 0;
  let lost: Event | undefined;
  let rejection: string | undefined;
  /** Why the listener fails was not reported, since the outage of other loops was. */
  let unreported = false;

  /** Returns whether it was reported. */
  function failed(who: string, event: Event): boolean {
    if (failing.size === 0) since = now();
    const isNew = failing.size === 0 || lost !== undefined;
    const broke = event.kind === 'listener-lost' || (!failing.has(who) && isBroken(event));
    failing.add(who);
    lost = broke && isNew ? event : undefined;
    if (!isNew || lost !== undefined) return false;
    observe(event);
    return true;
  }

  function recovered(who: string): boolean {
    const wasFailing = failing.delete(who);
    if (wasFailing && failing.size === 0) {
      reportLost();
      observe({ kind: 'database-recovered', ms: now() - since });
    }
    return wasFailing;
  }

  function reportLost(): void {
    if (lost) observe(lost);
    lost = undefined;
  }

  /** A refusal that was not reported: somebody has to fix it, and the outage was reported with another reason. */
  function refused(event: Extract<Event, { kind: 'database-unavailable' }>): boolean {
    const code = rejectionCode(event.error);
    if (code === undefined || code === rejection) return false;
    rejection = code;
    unreported = false;
    observe(event);
    return true;
  }

  /**
   * The listener may fail for another reason than the others did, and for longer: that is reported when it fails again
   * after they work. Returns whether it was reported.
   */
  function outlasts(event: Extract<Event, { kind: 'database-unavailable' }>): boolean {
    if (refused(event)) return true;
    if (!unreported || failing.size > 1) return false;
    unreported = false;
    observe(event);
    return true;
  }

  return (event) => {
    switch (event.kind) {
      case 'database-unavailable':
      case 'listener-lost':
        if (failed('ear', event)) {
          rejection = rejectionCode(event.error) ?? rejection;
          unreported = false;
        } else if (event.kind === 'database-unavailable') unreported = !outlasts(event) && failing.size > 1;
        return;
      case 'retrying':
        return outlasts({ ...event, kind: 'database-unavailable' }) ? undefined : observe(event);
      case 'listening':
        reportLost();
        rejection = undefined;
        unreported = false;
        recovered('ear');
        return observe(event);
      case 'loop-failed': {
        const { loop, error, retryMs } = event;
        // At a stop nothing tries again, so no end of this outage could be reported.
        if (retryMs === null) return failing.size > 0 && isOutage(error) ? undefined : observe(event);
        if (isOutage(error)) return failed(loop, { kind: 'database-unavailable', error, retryMs });
        recovered(loop);
        reported.add(loop);
        return observe(event);
      }
      case 'loop-recovered': {
        const wasOutage = recovered(event.loop);
        if (reported.delete(event.loop) || !wasOutage) observe(event);
        return;
      }
      default:
        return observe(event);
    }
  };
}

/** Whether a connection that stood has broken, or was ended by the server: that does not say why, nor whether a new one can be made. */
function isBroken(event: Event): boolean {
  if (event.kind !== 'database-unavailable') return false;
  for (let cause: unknown = event.error; cause instanceof Error; cause = cause.cause)
    if (
      /^(EPIPE|ECONNRESET|57P0[125])$/.test(errorCode(cause) ?? '') ||
      /connection terminated/i.test(cause.message)
    )
      return true;
  return false;
}

/**
 * The code with which a reachable server refuses us: a standby, a role that may not log in, too many
 * connections.
 */
function rejectionCode(error: Error): string | undefined {
  const code = errorCode(error) ?? '';
  return /^(25006|28...|3D...|53...|55000)$/.test(code) ? code : undefined;
}
