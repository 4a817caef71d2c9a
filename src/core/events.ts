import type { RowFailure } from './consumer-contract.ts';
import type { Key } from './contracts.ts';
import type { Problem } from './daemon-status.ts';

/** What happened, each time it happened. */
export type Fact =
  | { kind: 'starting'; version: string; file: string; pid: number; root: string }
  | { kind: 'notice'; text: string }
  | { kind: 'database-unavailable'; error: Error; retryMs: number }
  | { kind: 'fatal-error'; error: Error }
  /** An unexpected error: the daemon ends in order. */
  | { kind: 'unexpected-error'; error: Error }
  /** Reported once before and still failing: another attempt failed. */
  | { kind: 'retrying'; error: Error; retryMs: number }
  | { kind: 'systemd-notify-failed'; error: Error }
  | { kind: 'listening'; channels: readonly { channel: string; handler: string }[] }
  | { kind: 'unknown-handler'; channel: string; handler: string; known: readonly string[] }
  | { kind: 'unusable-channel'; problem: string }
  | { kind: 'disabled-handler'; channel: string; handler: string; why: string }
  | { kind: 'handler-without-channel'; handler: string }
  | { kind: 'listener-lost'; error: Error }
  /** The heartbeat arrived, `ms` after it was sent. */
  | { kind: 'heartbeat'; ms: number }
  | { kind: 'notified'; channel: string }
  /** Everything that a template can name was cleared. */
  /** `whole`: nothing is left; else `wipe-failed` follows. */
  | {
      kind: 'cache-wiped';
      files: number;
      whole: boolean;
      why: 'crash' | 'unknown' | 'copy' | 'new' | 'expired';
    }
  | { kind: 'wipe-failed'; error: string; paths: number }
  /** The paths that `wipe-failed` reported are cleared. */
  | { kind: 'wipe-completed' }
  | { kind: 'marker-failed'; error: Error }
  | { kind: 'log-recovery'; rows: number }
  | {
      kind: 'cleared';
      handler: string;
      /** A lower bound if some keys failed. */
      entries: number;
      /** The keys that were cleared. */
      keys: number;
      /** The first few of them. */
      examples: readonly Key[];
      /** Keys of the same batch that could not be cleared. */
      failedKeys: number;
      files: number;
      ms: number;
      /**
       * Age of the oldest entry when its files were gone; null where the table keeps no time, or where that
       * entry may have failed.
       */
      lagMs: number | null;
    }
  /** No key of a batch could be cleared, though perhaps some of their files. */
  | {
      kind: 'clear-failed';
      handler: string;
      failedKeys: number;
      examples: readonly Key[];
      files: number;
      ms: number;
    }
  | { kind: 'settled'; rows: number; files: number }
  /**
   * One attempt to clear rows of one handler: the first, the second, or a retry. observe/fold-failures.ts
   * makes alerts of its failures.
   */
  | {
      kind: 'batch-done';
      handler: string;
      /** The name of the cache: a row may fail in one and be cleared in another. */
      consumer: string;
      cleared: readonly number[];
      files: number;
      /** The part that belongs to the handlers under `then`, by handler name. */
      followers?: Readonly<Record<string, number>>;
      /** Only at the log level debug. */
      paths?: readonly string[];
      failures: readonly RowFailure[];
      /** Cleared as far as possible, since their key is invalid; a `known` one is not reported again. */
      invalid: readonly (RowFailure & { readonly known: boolean })[];
    }
  /** A request to a target was answered, or not; `works`: the urls or tags that it was for. */
  | {
      kind: 'target-asked';
      target: string;
      outcome: 'acknowledged' | 'refused' | 'throttled' | 'failed';
      ms: number;
      works: number;
    }
  /** A target is down: for the first time, or for another reason than before. */
  | { kind: 'target-down'; target: string; text: string }
  /** It answers again. `behind`: rows that it has missed, if that is known. */
  | { kind: 'target-up'; target: string; called: string; ms: number; behind?: number }
  /** Rows were cleared for the first time in a cache that stands behind another, whose clearing `cleared` reports. */
  | { kind: 'cleared-behind'; consumer: string; lagMs: number }
  | { kind: 'rows-orphaned'; handler: string; rows: number }
  /** `retryMs` null: at a stop, after which this loop does nothing more. */
  | { kind: 'loop-failed'; loop: string; error: Error; retryMs: number | null }
  | { kind: 'loop-recovered'; loop: string }
  | { kind: 'serving'; url: string }
  | { kind: 'not-serving'; error: Error; retryMs: number }
  | { kind: 'reloading'; why: string }
  | { kind: 'reload-refused'; problems: readonly string[]; retryMs: number | null }
  | { kind: 'stopping'; signal: string }
  | { kind: 'stopped' };

/** Alerts that observe/ makes of facts: a failure when it begins, and its end, not each time it occurs. */
type Alert =
  | { kind: 'database-recovered'; ms: number }
  | {
      kind: 'rows-failed';
      handler: string;
      rows: number;
      /** The first few different ones. */
      errors: readonly string[];
    }
  /** Cleared as far as possible, and kept: a template makes no path of their key. */
  | {
      kind: 'rows-invalid';
      handler: string;
      rows: number;
      /** The first few different ones. */
      errors: readonly string[];
    }
  | { kind: 'disk-failing'; code: string; error: string; rows: number }
  | { kind: 'disk-recovered'; code: string; ms: number; rows: number }
  /** Found by the counts alone; and its end. */
  | { kind: 'problem-found'; problem: Problem }
  | { kind: 'problem-resolved'; problem: Problem };

/** What the log shows. */
export type Event = Fact | Alert;

/** How code reports what happened; observe/ decides what is shown, and how. */
export type Observe = (fact: Fact) => void;

/** Where facts and alerts go: the log, the counts, systemd. */
export type Report = (event: Event) => void;
