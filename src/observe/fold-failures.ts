import { diskErrorCode, remedies } from '../core/disk-errors.ts';
import { explain } from '../core/errors.ts';
import type { Event, Observe, Report } from '../core/events.ts';
import type { LogTimings } from '../core/reporting-timings.ts';
import { usualTimings } from '../core/timings.ts';
import { FailureTracker, type Subject } from './failure-tracker.ts';
import { InvalidRowFolder } from './fold-invalid-rows.ts';

/** A disk that refuses, by its code. */
interface DiskFailure {
  /** Reported, and not over yet. */
  open: boolean;
  reportedAt: number;
  since: number;
  /** Rows that it affected since it began. */
  rows: number;
  /** Those that no alert covers yet. */
  unreported: number;
  error: string;
  /** Something was deleted since the report: a later failure is a new one. */
  worked: boolean;
}

/** Entries of a handler that fail by themselves. */
interface FailingHandler {
  reportedAt: number;
  /** Not reported yet. */
  rows: number;
  /** The first few different ones, by kind. */
  readonly errors: Map<string, string>;
}

const shownErrors = 5;

/**
 * Reports a failure when it begins, not with each entry and each retry. A disk that refuses is one alert for
 * all affected rows, and one line when none of them waits any more. An entry that fails by itself is reported
 * with its first error and when that changes. New failures within `againMs` of such a line are reported
 * together after it, at a retry, so that neither a thousand failing entries nor a disk that works every other
 * second fills the log. Invalid keys are reported together in the same way (fold-invalid-rows.ts). `status`
 * and `failing list` have every row.
 */
export function foldFailures(
  observe: Report,
  now: () => number,
  { againMs, forgetMs }: Omit<LogTimings, 'lastMs'> = usualTimings.reporting.log,
): Observe {
  const tracker = new FailureTracker(forgetMs);
  const invalidRows = new InvalidRowFolder(observe, now, againMs);
  const diskFailures = new Map<string, DiskFailure>();
  const failingHandlers = new Map<string, FailingHandler>();
  /** Loops whose failure was passed on, and not its end. */
  const reportedLoops = new Set<string>();

  function diskFailed(who: Subject, code: string, error: string): void {
    if (tracker.failed(who, code, now()) === undefined) return;
    const diskFailure = diskFailures.get(code) ?? { ...noDiskFailure, since: now() };
    diskFailures.set(code, diskFailure);
    if (diskFailure.unreported === 0 && !diskFailure.open) diskFailure.since = now();
    if (diskFailure.unreported === 0) diskFailure.error = error;
    if ('id' in who) diskFailure.rows += 1;
    // Otherwise the current alert covers it.
    if (!diskFailure.open || diskFailure.worked) diskFailure.unreported += 1;
  }

  function rowFailed(handler: string, row: Subject, error: string): void {
    // A key may be of any length.
    const kind = tracker.failed(row, `${handler}: ${error.slice(0, 200)}`, now(), handler);
    if (kind === undefined) return;
    const failing = failingHandlers.get(handler) ?? {
      reportedAt: Number.NEGATIVE_INFINITY,
      rows: 0,
      errors: new Map(),
    };
    failingHandlers.set(handler, failing);
    failing.rows += 1;
    if (tracker.count(kind) === 1 && failing.errors.size < shownErrors) failing.errors.set(kind, error);
  }

  function tried({
    handler,
    consumer,
    cleared,
    files,
    failures,
    invalid,
  }: Extract<Event, { kind: 'batch-done' }>): void {
    tracker.forget(now());
    for (const id of cleared) tracker.recovered({ consumer, id });
    for (const { id } of invalid) tracker.recovered({ consumer, id });
    for (const { id, error, code = '' } of failures) {
      if (Object.hasOwn(remedies, code)) diskFailed({ consumer, id }, code, error);
      else rowFailed(handler, { consumer, id }, error);
    }
    invalidRows.add(
      handler,
      invalid.filter(({ known }) => !known),
    );
    if (files > 0) for (const diskFailure of diskFailures.values()) diskFailure.worked = true;
  }

  function report(): void {
    for (const [code, refusal] of diskFailures) reportDisk(code, refusal);
    for (const [handler, poison] of failingHandlers) reportHandler(handler, poison);
    invalidRows.report();
  }

  function reportDisk(code: string, diskFailure: DiskFailure): void {
    const { open, unreported, rows, error, since } = diskFailure;
    if (tracker.count(code) === 0) {
      Object.assign(diskFailure, { open: false, unreported: 0, rows: 0 });
      if (open) observe({ kind: 'disk-recovered', code, ms: now() - since, rows });
    } else if (unreported > 0 && now() - diskFailure.reportedAt >= againMs) {
      Object.assign(diskFailure, { open: true, unreported: 0, worked: false, reportedAt: now() });
      observe({ kind: 'disk-failing', code, error, rows });
    }
  }

  function reportHandler(handler: string, failing: FailingHandler): void {
    for (const kind of failing.errors.keys()) if (tracker.count(kind) === 0) failing.errors.delete(kind);
    if (failing.errors.size === 0 || now() - failing.reportedAt < againMs) return;
    const { rows } = failing;
    const errors = [...failing.errors.values()];
    failing.errors.clear();
    Object.assign(failing, { reportedAt: now(), rows: 0 });
    observe({ kind: 'rows-failed', handler, rows, errors });
  }

  return (event) => {
    switch (event.kind) {
      case 'batch-done':
        observe(event);
        tried(event);
        return report();
      case 'loop-failed': {
        const code = diskErrorCode(event.error);
        if (code !== undefined) diskFailed(event, code, explain(event.error));
        else {
          tracker.recovered(event);
          reportedLoops.add(event.loop);
          observe(event);
        }
        return report();
      }
      case 'loop-recovered': {
        const wasDisk = tracker.recovered(event);
        if (reportedLoops.delete(event.loop) || !wasDisk) observe(event);
        return report();
      }
      default:
        observe(event);
        return report();
    }
  };
}

const noDiskFailure: DiskFailure = {
  open: false,
  reportedAt: Number.NEGATIVE_INFINITY,
  since: 0,
  rows: 0,
  unreported: 0,
  error: '',
  worked: false,
};
