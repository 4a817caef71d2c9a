import type { Stand } from './stand.ts';

/** Something that prevents pages from being cleared, and how it is reported. */
export interface Situation {
  readonly name: string;
  /** Creates the situation. If the daemon does not run before, only this can start it. */
  readonly cause: (stand: Stand) => Promise<unknown>;
  /** Matches the text that `status` shows, and the status page while it answers. */
  readonly says: RegExp;
  /** Matches the log line that names it, if its text differs. Null where no daemon could write one. */
  readonly log?: RegExp | null;
  /** Reported once, by the first to notice: the listener or a handler's loop. */
  readonly either?: true;
  /** Repairs it. Then all is green again without further action. */
  readonly mend?: (stand: Stand) => Promise<unknown>;
  /** Pages are still cleared: a warning, and /readyz still answers 200. */
  readonly goesOn?: true;
  /** Something is wrong at another node: a warning here, and /readyz answers 200. */
  readonly elsewhere?: true;
  /** Nothing is wrong: every view but the log is green. */
  readonly isWell?: true;
}
