import type { ClaimTimings } from '../core/timings.ts';

/**
 * Decides whether a notification was empty: the queue table had no entry, and its entries had not been
 * claimed for the notification before it, as happens all the time when many sessions notify. Then it came
 * from a person at psql, or from a producer that only notifies.
 */
export class EmptyNotifications {
  readonly #now: () => number;
  readonly #underWayMs: number;
  #notifiedAt: number | undefined;
  /** The last notification before the running drain. */
  #askedAt: number | undefined;
  #claimedAt = Number.NEGATIVE_INFINITY;

  constructor(now: () => number, { notificationMs }: Pick<ClaimTimings, 'notificationMs'>) {
    this.#now = now;
    this.#underWayMs = notificationMs;
  }

  notified(): void {
    this.#notifiedAt = this.#now();
  }

  claimed(): void {
    this.#claimedAt = this.#now();
  }

  /** A drain begins: notifications from now on belong to the next one. */
  drainBegins(): void {
    this.#askedAt = this.#notifiedAt ?? this.#askedAt;
    this.#notifiedAt = undefined;
  }

  /** Called when the drain has succeeded, for all the notifications before it. */
  wasEmpty({ found }: { found: boolean }): boolean {
    const askedAt = this.#askedAt;
    this.#askedAt = undefined;
    return !found && askedAt !== undefined && this.#claimedAt < askedAt - this.#underWayMs;
  }
}
