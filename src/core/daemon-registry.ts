import type { Problem } from './daemon-status.ts';
import type { Turns } from './turns.ts';

/** A daemon, according to the database. */
export interface SeenDaemon {
  /** Undefined for one that has reported nothing. */
  readonly report:
    | {
        readonly host: string;
        readonly pid: number;
        readonly seenMs: number;
        /** Its next report is overdue. */
        readonly silent: boolean;
        /** Another has started on its machine since then. */
        readonly replaced: boolean;
        readonly problems: readonly Problem[];
      }
    | undefined;
  /** It has a session. */
  readonly connected: boolean;
}

/** The reports of daemons in the database, for commands that run elsewhere. */
export interface DaemonRegistry {
  /**
   * Replaces this daemon's earlier report.
   * @param how how long it is valid, if not for as long as a daemon may be silent
   */
  report(problems: readonly Problem[], how?: { readonly silentMs: number }): Promise<void>;
  /** It ends in order: its report is deleted. */
  leave(): Promise<void>;
  /**
   * Every daemon that is connected, and those that ended without a word. `unread`: why reports could not be
   * read.
   * @param turns each of its statements takes one; otherwise they wait for nothing
   */
  list(turns?: Turns): Promise<{ daemons: SeenDaemon[]; unread?: string }>;
}
