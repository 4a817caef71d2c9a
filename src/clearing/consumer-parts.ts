import type { ConsumerLog } from '../core/consumer-contract.ts';
import type { Clock } from '../core/contracts.ts';
import type { Observe } from '../core/events.ts';
import type { Step, TargetCache } from '../core/target-cache.ts';
import type { Timings } from '../core/timings.ts';
import type { ClaimsUnderWay } from './claims-under-way.ts';
import type { Consumer } from './consumer.ts';
import type { Orphans } from './orphans.ts';

/** What clearing one cache needs from outside. */
export interface ConsumerParts {
  /** Of the loops that run it, and in messages. */
  readonly name: string;
  readonly cache: TargetCache;
  /** What it clears for each handler. */
  readonly steps: ReadonlyMap<string, Step>;
  readonly log: ConsumerLog;
  readonly claims: ClaimsUnderWay;
  readonly clock: Clock;
  readonly observe: Observe;
  readonly timings: Timings;
  readonly settleMs: number;
  /** Rows cleared at a time. */
  readonly batch: number;
  /** The caches that it stands behind: rows reach them first, in both rounds. None: it is the first. */
  readonly after: readonly Consumer[];
  /** Clears everything that its steps can name: its content is unknown. */
  readonly wipe: () => Promise<void>;
  /** It has expired, or another daemon has it. */
  readonly onLost: () => void;
  /** What keeps the rows of handlers that nobody clears for; one consumer of a node does. */
  readonly orphans?: Orphans;
}
