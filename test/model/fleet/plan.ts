import type { Transaction } from '../producer.ts';
import type { Consumer } from './membership.ts';
import type { Protocol } from './protocol.ts';
import type { World } from './world.ts';
import type { WriterPlan } from './writer.ts';

export interface ConsumerPlan {
  readonly name: string;
  /** The cache behind this one, from which it gets its pages. */
  readonly behind?: number;
  readonly starts?: Consumer['is'];
}

/** A daemon that follows the log for a consumer. */
export interface FollowerPlan {
  readonly node: number;
  readonly consumer: number;
  readonly down?: boolean;
}

export interface ClaimPlan {
  readonly node: number;
  /** Two keys of two queue tables. Each claim takes from one. */
  readonly of: 'the key' | 'another key';
}

export interface Scenario {
  readonly transactions: readonly Transaction[];
  readonly writers: readonly WriterPlan[];
  readonly consumers: readonly ConsumerPlan[];
  /** Without it each consumer has a daemon of its own. */
  readonly followers?: readonly FollowerPlan[];
  readonly claims: readonly ClaimPlan[];
  /** A first transaction has ended: its entry is there, and the pages are stale. */
  readonly queued?: boolean;
  readonly others?: number;
  /** Nodes whose daemon may crash: once for each time that a node is listed. */
  readonly crashes?: readonly number[];
  /** Consumers that may expire, in the same way. */
  readonly expiries?: readonly number[];
  /** Consumers that may fail to clear a row, in the same way. */
  readonly failures?: readonly number[];
  readonly databaseCrashes?: boolean;
  /** Other consumers have settled everything, so that the log is trimmed as far as these here allow. */
  readonly trims?: boolean;
  /** A daemon takes its claimed rows from the answer. */
  readonly feeds?: boolean;
  /** The log is read after a notification, and not at any time. */
  readonly wakes?: boolean;
  /** A state to start from, where the way to it is long. */
  readonly start?: Partial<World>;
}

export interface Setup extends Scenario {
  readonly followers: readonly FollowerPlan[];
  readonly protocol: Protocol;
}
