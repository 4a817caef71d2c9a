import { type ReportingTimings, usualReporting } from './reporting-timings.ts';

/**
 * The times on which promises rest, in milliseconds. They are one value, so that a test can assert their
 * relations (test/core/timings.test.ts) and others can use shorter ones. None is an option: doc/config.md has
 * what an administrator may choose.
 */
export interface Timings {
  readonly database: DatabaseTimings;
  readonly recovery: RecoveryTimings;
  readonly settling: SettlingTimings;
  readonly root: RootTimings;
  readonly worker: WorkerTimings;
  readonly stop: StopTimings;
  readonly claims: ClaimTimings;
  /** After a failure that waiting may end: the pause before the next attempt (core/backoff.ts). */
  readonly backoff: Limits;
  /**
   * What could not be deleted is tried again after a pause that doubles: a failing row (in SQL,
   * postgres/elapsed-time.ts: all processes share those times), and what a wipe has left.
   */
  readonly retry: Limits;
  /** A new configuration whose database is away is tried again after this. */
  readonly reloadAgainMs: number;
  /** A command of a handler that runs longer is killed, with everything that it started. */
  readonly commandMs: number;
  /** A daemon that is silent for so many heartbeats does not work: others may have its consumers. */
  readonly missedHeartbeats: number;
  /** How often a daemon reports its consumers at least, whatever the heartbeat. */
  readonly consumerSeenMs: number;
  readonly throttles: Throttles;
  readonly reporting: ReportingTimings;
}

export interface DatabaseTimings {
  /** A server that takes longer than this to answer a connection counts as dead. */
  readonly connectMs: number;
  /** The server's, for each statement: others never wait long for us, nor we for them. */
  readonly lockMs: number;
  readonly statementMs: number;
  /**
   * The longest that any query may take, measured by the client; a half-open link never answers. Longer than
   * the server's, which then gives up first and leaves the connection usable. Not much longer, since it is a
   * part of the recovery time (doc/reliability.md).
   */
  readonly queryMs: number;
  /** How long sending a heartbeat may take. */
  readonly sendMs: number;
  /** How long a notification that the server has accepted may take to arrive; on one machine a millisecond. */
  readonly deliveryMs: number;
}

interface RecoveryTimings {
  /** Before the log is read, the answers of claims are waited for: so long at most, since one may wait for a lock. */
  readonly answerMs: number;
  /**
   * After an error the log is read again every `rescanMs` for this long: a claim may outlive its client,
   * and be committed after the log was read.
   */
  readonly outliveMs: number;
  readonly rescanMs: number;
}

export interface SettlingTimings {
  /** The server does not announce the end of a transaction, so it is polled; pg_locks is cheap. */
  readonly snapshotAgainMs: number;
  /** How long a row may wait to share a snapshot. */
  readonly gatherMs: number;
  /** The durable cursors are written no more often. */
  readonly writeAgainMs: number;
  /** Where the barrier is installed, instead of both, at first (clearing/settling-schedule.ts). */
  readonly awaitedAgainMs: number;
}

export interface RootTimings {
  /** How often root is examined while it cannot be served. */
  readonly againMs: number;
  /** Examining root takes milliseconds; a disk that hangs must not keep the daemon from listening. */
  readonly inspectMs: number;
  /** How often a daemon that stands by tries to take over. */
  readonly standbyMs: number;
  /** How long the disk may take at a stop, before it counts as unclean. */
  readonly syncMs: number;
}

export interface WorkerTimings {
  /** A worker that is silent this long is given up. One that makes progress reports every second. */
  readonly patienceMs: number;
  /** The same until it has started, which depends on how busy the machine is, not on root's file system. */
  readonly startMs: number;
  /** The same while the daemon stops. */
  readonly hurriedMs: number;
  /** Listing a large directory may take this many times as long as anything else. */
  readonly listingFactor: number;
  /** How often a worker that makes progress reports it. */
  readonly progressMs: number;
  /**
   * An overdue worker is checked once more after this, so that its messages are read first if the daemon
   * itself was frozen.
   */
  readonly checkAgainMs: number;
  /**
   * A worker that is silent for this long, or busy with one request for this long, is joined by another one
   * while others wait.
   */
  readonly joinSilentMs: number;
  readonly joinBusyMs: number;
  /** SIGKILL ends a worker within milliseconds, unless it waits in the kernel for something that never comes. */
  readonly killMs: number;
  /** A directory that does not answer is tried again after this, and then after twice as long each time. */
  readonly probeMs: number;
  readonly longestProbeMs: number;
}

interface StopTimings {
  /** A batch that hangs longer than this is left to the log: the next start clears it again. */
  readonly batchMs: number;
  /** For what is left to close when the current batches have ended, or had their time. */
  readonly closeMs: number;
  /** For the last report to the database, which may be unreachable. */
  readonly reportMs: number;
  /** How long the report of a daemon that gave up stands: its supervisor restarts it by then. */
  readonly goneMs: number;
}

export interface ClaimTimings {
  /** After this a handler claims again for rows that others held locked: no notification may come for them. */
  readonly lockedAgainMs: number;
  /** A claim waits so long at most for the hint of its notification; not at all if another came so shortly before. */
  readonly hintMs: number;
  /** A daemon that is not the first claims so much later. */
  readonly laterMs: number;
  /** A claim that takes longer keeps producers' rows locked for too long: the next one takes fewer. */
  readonly slowMs: number;
  /** The pause between claims that find nothing (daemon/cooldown.ts). */
  readonly cooldown: Limits;
  /** After this long without a claim the pauses are short again. */
  readonly calmMs: number;
  /**
   * How long after its entries became visible, and were claimed for another notification, a notification may
   * still be under way (daemon/empty-notifications.ts).
   */
  readonly notificationMs: number;
}

/** What any role may ask for is done this often at most (daemon/throttle.ts). */
interface Throttles {
  /** uncached.failing is read for rows that somebody has made due. */
  readonly retry: Limits;
  /** `listen_for` is read. */
  readonly channels: Limits;
  /**
   * A handler without a queue clears all it names at each catch-up. A connection that breaks every few seconds
   * must not cause that each time.
   */
  readonly catchUp: Limits;
  /** A handler without a queue clears all it names, and runs its command, at each turn. */
  readonly withoutQueue: Limits;
}

export interface Limits {
  readonly leastMs: number;
  readonly mostMs: number;
}

export const usualTimings: Timings = {
  database: {
    connectMs: 5_000,
    lockMs: 5_000,
    statementMs: 8_000,
    queryMs: 9_000,
    sendMs: 4_000,
    deliveryMs: 2_000,
  },
  recovery: { answerMs: 250, outliveMs: 10_000, rescanMs: 5_000 },
  settling: { snapshotAgainMs: 250, gatherMs: 500, writeAgainMs: 1_000, awaitedAgainMs: 5 },
  reloadAgainMs: 10_000,
  root: { againMs: 1_000, inspectMs: 2_000, standbyMs: 2_000, syncMs: 5_000 },
  worker: {
    patienceMs: 10_000,
    startMs: 30_000,
    hurriedMs: 3_000,
    listingFactor: 6,
    progressMs: 1_000,
    checkAgainMs: 200,
    joinSilentMs: 1_000,
    joinBusyMs: 2_000,
    killMs: 1_000,
    probeMs: 10_000,
    longestProbeMs: 60_000,
  },
  stop: { batchMs: 10_000, closeMs: 2_000, reportMs: 1_000, goneMs: 60_000 },
  claims: {
    lockedAgainMs: 1_000,
    hintMs: 10,
    laterMs: 1_000,
    slowMs: 1_000,
    cooldown: { leastMs: 1, mostMs: 50 },
    calmMs: 1_000,
    notificationMs: 2_000,
  },
  backoff: { leastMs: 100, mostMs: 5_000 },
  retry: { leastMs: 1_000, mostMs: 3_600_000 },
  commandMs: 60_000,
  missedHeartbeats: 3,
  consumerSeenMs: 20_000,
  throttles: {
    retry: { leastMs: 2_000, mostMs: 60_000 },
    channels: { leastMs: 1_000, mostMs: 30_000 },
    catchUp: { leastMs: 10_000, mostMs: 60_000 },
    withoutQueue: { leastMs: 100, mostMs: 2_000 },
  },
  reporting: usualReporting,
};

/** A consumer whose daemon has not reported for this long is cleared by nobody. */
export const silentMs = usualTimings.missedHeartbeats * usualTimings.consumerSeenMs;

/** For `check`, which reads one queue table after the other: many that are locked must not hold it up for long. */
export const checkTimings: DatabaseTimings = { ...usualTimings.database, lockMs: 1_000 };

/**
 * For `status`: a monitor usually waits for 10 s. A table that is locked is tried again after all others, and
 * each try is short, so that many locked tables take no longer than one.
 */
export const statusTimings: Timings = {
  ...usualTimings,
  database: { ...usualTimings.database, lockMs: 200, statementMs: 5_000, queryMs: 6_000 },
};

/** So long after its first statement, `status` gives up on what is locked. */
export const statusLockedMs = 3_000;
