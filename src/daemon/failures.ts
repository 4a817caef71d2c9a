import type { RowFailure } from '../core/contracts.ts';
import { mending, refusalCode } from '../core/disk.ts';
import { explain } from '../core/errors.ts';
import type { Event, Observe } from '../core/events.ts';
import { type Sufferer, Suffering } from './suffering.ts';

/** A disk that refuses, by its code. */
interface Refusal {
  /** Told, and not over yet. */
  open: boolean;
  toldAt: number;
  since: number;
  /** Rows that it struck since it began. */
  rows: number;
  /** Those that no alarm covers yet. */
  untold: number;
  error: string;
  /** Something was deleted since it was told: whatever fails now fails anew. */
  worked: boolean;
}

/** Entries of a handler that fail by themselves. */
interface Poison {
  toldAt: number;
  /** Not told yet. */
  rows: number;
  /** The first few that differ, by kind. */
  readonly errors: Map<string, string>;
}

const shownErrors = 5;

/**
 * Tells of a failure when it begins, not with each entry and each retry: a disk that refuses is one alarm for all rows that it strikes
 * and one line when none of them waits any more; an entry that fails by itself is told with its first error and when that changes. What
 * comes anew within `againMs` of such a line is told together after it, at a retry, so that neither a thousand poison entries nor a disk
 * that works every other second fills the log. `status` and `failing list` have every row.
 */
export function tellFailuresOnce(observe: Observe, now: () => number, againMs = 60_000): Observe {
  const suffering = new Suffering();
  const refusals = new Map<string, Refusal>();
  const poisons = new Map<string, Poison>();

  function refused(who: Sufferer, code: string, error: string): void {
    if (!suffering.fails(who, code, now())) return;
    const refusal = refusals.get(code) ?? { ...noRefusal, since: now() };
    refusals.set(code, refusal);
    if (refusal.untold === 0 && !refusal.open) refusal.since = now();
    if (refusal.untold === 0) refusal.error = error;
    if (typeof who === 'number') refusal.rows += 1;
    // Else the alarm that stands covers it.
    if (!refusal.open || refusal.worked) refusal.untold += 1;
  }

  function poisoned(handler: string, { id, error }: RowFailure): void {
    // A key may be as long as it likes.
    const kind = `${handler}: ${error.slice(0, 200)}`;
    if (!suffering.fails(id, kind, now())) return;
    const poison = poisons.get(handler) ?? { toldAt: Number.NEGATIVE_INFINITY, rows: 0, errors: new Map() };
    poisons.set(handler, poison);
    poison.rows += 1;
    if (suffering.count(kind) === 1 && poison.errors.size < shownErrors) poison.errors.set(kind, error);
  }

  function tried({ handler, cleared, files, failures }: Extract<Event, { kind: 'tried' }>): void {
    suffering.forget(now());
    for (const id of cleared) suffering.works(id);
    for (const failure of failures) {
      const { id, error, code = '' } = failure;
      if (Object.hasOwn(mending, code)) refused(id, code, error);
      else poisoned(handler, failure);
    }
    if (files > 0) for (const refusal of refusals.values()) refusal.worked = true;
  }

  function tell(): void {
    for (const [code, refusal] of refusals) tellRefusal(code, refusal);
    for (const [handler, poison] of poisons) tellPoison(handler, poison);
  }

  function tellRefusal(code: string, refusal: Refusal): void {
    const { open, untold, rows, error, since } = refusal;
    if (suffering.count(code) === 0) {
      Object.assign(refusal, { open: false, untold: 0, rows: 0 });
      if (open) observe({ kind: 'disk-works', code, ms: now() - since, rows });
    } else if (untold > 0 && now() - refusal.toldAt >= againMs) {
      Object.assign(refusal, { open: true, untold: 0, worked: false, toldAt: now() });
      observe({ kind: 'disk-refuses', code, error, rows });
    }
  }

  function tellPoison(handler: string, poison: Poison): void {
    for (const kind of poison.errors.keys()) if (suffering.count(kind) === 0) poison.errors.delete(kind);
    if (poison.errors.size === 0 || now() - poison.toldAt < againMs) return;
    const { rows } = poison;
    const errors = [...poison.errors.values()];
    poison.errors.clear();
    Object.assign(poison, { toldAt: now(), rows: 0 });
    observe({ kind: 'rows-failed', handler, rows, errors });
  }

  return (event) => {
    switch (event.kind) {
      case 'tried':
        observe(event);
        tried(event);
        return tell();
      case 'loop-failed': {
        const code = refusalCode(event.error);
        if (code !== undefined) refused(event.loop, code, explain(event.error));
        else {
          suffering.works(event.loop);
          observe(event);
        }
        return tell();
      }
      case 'loop-recovered':
        if (!suffering.works(event.loop)) observe(event);
        return tell();
      default:
        return observe(event);
    }
  };
}

const noRefusal: Refusal = {
  open: false,
  toldAt: Number.NEGATIVE_INFINITY,
  since: 0,
  rows: 0,
  untold: 0,
  error: '',
  worked: false,
};
