export type Level = 'ok' | 'warning' | 'critical';

export interface HandlerStatus {
  readonly handler: string;
  readonly configured: boolean;
  readonly backlog: number;
  /** Age of the oldest entry that is not cleared, in the queue or claimed; 0 when there is none. */
  readonly lagMs: number;
  readonly claimed: number;
  readonly settling: number;
  readonly settlingMs: number | null;
  readonly failing: number;
  /** What one of the failing rows says. */
  readonly error: string | null;
}

export interface Thresholds {
  readonly warningMs: number;
  readonly criticalMs: number;
}

/** Settling takes the settle time after the last transaction that was open; one open for this long was forgotten. */
const longSettlingMs = 3_600_000;

/** Says in words whether all is well: lag decides, and whatever nobody will mend by waiting is at least a warning. */
export function assess(
  handlers: readonly HandlerStatus[],
  { warningMs, criticalMs }: Thresholds,
): { level: Level; reasons: string[] } {
  let level: Level = 'ok';
  const reasons: string[] = [];
  const raise = (to: 'warning' | 'critical', reason: string) => {
    if (level !== 'critical') level = to;
    reasons.push(reason);
  };
  for (const { handler, configured, lagMs, failing, error, settlingMs, claimed, settling } of handlers) {
    const late = lagMs >= criticalMs ? 'critical' : lagMs >= warningMs ? 'warning' : undefined;
    if (late) raise(late, `${handler} lags ${Math.round(lagMs / 100) / 10} s behind: is the daemon running?`);
    if (failing > 0) raise('warning', `${failing} of ${handler} failing: ${error ?? 'no reason known'}`);
    if ((settlingMs ?? 0) >= longSettlingMs) {
      raise(
        'warning',
        `${handler} settles for over an hour: look for an old transaction in pg_stat_activity`,
      );
    }
    if (!configured) {
      raise(
        'warning',
        `the journal has ${claimed + settling + failing} rows of ${handler}, which is not configured`,
      );
    }
  }
  return { level, reasons };
}
