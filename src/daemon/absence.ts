import type { LastSeen } from '../core/consumer-contract.ts';
import type { Clock } from '../core/contracts.ts';

/**
 * Finds consumers that have been away for too long: since this daemon has listened without a break, nothing was
 * heard of them for all of that time. Neither the server's clock, which may be set, nor an outage that kept all
 * daemons away from the database, makes any of them expire.
 */
export class Absence {
  readonly #clock: Clock;
  readonly #expireMs: number;
  #known = new Map<string, { seenAt: string; since: number }>();

  constructor(clock: Clock, expireMs: number) {
    this.#clock = clock;
    this.#expireMs = expireMs;
  }

  /** The others may have been cut off, too. */
  reset(): void {
    this.#known = new Map();
  }

  /** Those that have been away for too long. */
  look(all: readonly LastSeen[]): LastSeen[] {
    const now = this.#clock.now();
    const known = all.map(({ id, seenAt }) => {
      const before = this.#known.get(id);
      return [id, before?.seenAt === seenAt ? before : { seenAt, since: now }] as const;
    });
    this.#known = new Map(known);
    return known.flatMap(([id, { seenAt, since }]) =>
      now - since >= this.#expireMs ? [{ id, seenAt }] : [],
    );
  }
}
