import type { Key, RowFailure } from './contracts.ts';

/** Everything worth telling. Code says what happened; observe/ decides how it is shown. */
export type Event =
  | { kind: 'starting'; version: string; file: string; pid: number; root: string }
  | { kind: 'notice'; text: string }
  | { kind: 'connecting'; error: Error; retryMs: number }
  | { kind: 'gave-up'; error: Error }
  /** Told once before, and still so: another try failed. */
  | { kind: 'trying'; error: Error; retryMs: number }
  | { kind: 'systemd-unheard'; error: Error }
  | { kind: 'listening'; channels: readonly { channel: string; handler: string }[] }
  | { kind: 'unknown-handler'; channel: string; handler: string; known: readonly string[] }
  | { kind: 'disabled-handler'; channel: string; handler: string; why: string }
  | { kind: 'unheard-handler'; handler: string }
  | { kind: 'listener-lost'; error: Error }
  | { kind: 'recovered'; ms: number }
  /** The daemon has heard itself; `ms` after it spoke. */
  | { kind: 'heartbeat'; ms: number }
  | { kind: 'notified'; channel: string }
  | { kind: 'revived'; files: number }
  | { kind: 'unclean'; error: Error }
  | { kind: 'restarting'; rows: number }
  | {
      kind: 'cleared';
      handler: string;
      entries: number;
      keys: number;
      /** The first few of them. */
      examples: readonly Key[];
      files: number;
      ms: number;
      /** Age of the oldest entry when its files were gone. */
      lagMs: number | null;
    }
  | { kind: 'settled'; rows: number; files: number }
  /** Any clearing of a batch, a first one, a second one or another try, but for what failed: what the next three are made of (daemon/failures.ts). */
  | {
      kind: 'tried';
      handler: string;
      cleared: readonly number[];
      files: number;
      /** Only at the log level debug. */
      paths?: readonly string[];
      failures: readonly RowFailure[];
    }
  | {
      kind: 'rows-failed';
      handler: string;
      rows: number;
      /** The first few that differ. */
      errors: readonly string[];
    }
  | { kind: 'disk-refuses'; code: string; error: string; rows: number }
  | { kind: 'disk-works'; code: string; ms: number; rows: number }
  | { kind: 'orphaned'; handler: string; rows: number }
  | { kind: 'loop-failed'; loop: string; error: Error; retryMs: number }
  | { kind: 'loop-recovered'; loop: string }
  | { kind: 'serving'; url: string }
  | { kind: 'not-serving'; error: Error; retryMs: number }
  | { kind: 'reloading'; why: string }
  | { kind: 'reload-refused'; problems: readonly string[] }
  | { kind: 'stopping'; signal: string }
  | { kind: 'stopped' };

export type Observe = (event: Event) => void;
