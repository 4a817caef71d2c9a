import type { Stand } from './stand.ts';

/** Something that keeps pages from being cleared, and how it is told. */
export interface Situation {
  readonly name: string;
  /** Brings it about. A daemon that does not run before does so afterwards only if this starts it. */
  readonly cause: (stand: Stand) => Promise<unknown>;
  /** In whose words `status`, and the page while it answers, name it. */
  readonly says: RegExp;
  /**
   * The line of the log that names it, if in other words; null where no daemon is there that could write one.
   */
  readonly log?: RegExp | null;
  /** Told once, by whichever comes first: what listens, or a handler's loop. */
  readonly either?: true;
  /** Then all is green again, by itself. */
  readonly mend?: (stand: Stand) => Promise<unknown>;
  /** Pages are cleared all the same: a warning, with which /readyz still answers 200. */
  readonly goesOn?: true;
}
