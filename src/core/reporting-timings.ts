/**
 * The times of what the daemon shows of itself, in milliseconds: a part of `Timings`. A change is shown within
 * seconds, and showing it never holds up a clearing, a monitor or a stop.
 */
export interface ReportingTimings {
  readonly counts: CountTimings;
  readonly report: ReportTimings;
  readonly http: HttpTimings;
  readonly log: LogTimings;
  readonly systemd: SystemdTimings;
}

/** Counting what is in the database (observe/counts.ts). */
export interface CountTimings {
  /** How long counts are fresh. */
  readonly freshMs: number;
  /** Nobody waits longer for counts: who asks gets the last ones. */
  readonly patienceMs: number;
  /** The longest pause after a slow count: counts must not be too old either. */
  readonly longestRestMs: number;
  /** Between two samples of the plots. The page has the same number (page/plot.js). */
  readonly sampleMs: number;
}

/** The daemon's report to the database (observe/report-loop.ts). */
export interface ReportTimings {
  /** The least time between two checks: many changes may come at once. */
  readonly soonMs: number;
  /**
   * The time between two checks while a problem lasts, since time alone makes it worse, or while a report
   * could not be written.
   */
  readonly laterMs: number;
}

/** A client must not keep a connection for nothing (http/server.ts). A request comes in one piece. */
interface HttpTimings {
  readonly headersMs: number;
  readonly requestMs: number;
  /** Without a request. */
  readonly keepAliveMs: number;
  /** How often connections are examined for these times. */
  readonly checkMs: number;
  /** A client that reads nothing of an answer for this long is gone. */
  readonly unreadMs: number;
  /** Between two messages to an open status page; a browser that lost its connection returns after this. */
  readonly streamMs: number;
}

export interface LogTimings {
  /** New failures of a kind that was reported are reported together, after this. */
  readonly againMs: number;
  /** A failing row without news for this long was discarded, or belongs to another daemon. */
  readonly forgetMs: number;
  /** At the end of the process the last lines wait so long for their reader. */
  readonly lastMs: number;
}

export interface SystemdTimings {
  /**
   * A worker that is silent for so long, and for longer than the watchdog's time, should have been given up:
   * the watchdog is no longer fed.
   */
  readonly givenUpMs: number;
  /** How long systemd-notify may take. */
  readonly notifyMs: number;
}

export const usualReporting: ReportingTimings = {
  counts: { freshMs: 1_000, patienceMs: 1_000, longestRestMs: 10_000, sampleMs: 10_000 },
  report: { soonMs: 250, laterMs: 1_000 },
  http: {
    headersMs: 5_000,
    requestMs: 10_000,
    keepAliveMs: 5_000,
    checkMs: 1_000,
    unreadMs: 10_000,
    streamMs: 1_000,
  },
  log: { againMs: 60_000, forgetMs: 7_200_000, lastMs: 1_000 },
  systemd: { givenUpMs: 70_000, notifyMs: 5_000 },
};
