import type { Assessment, HandlerStatus, Level } from '../core/status.ts';

/** From which lag on it is worth a warning, or critical. */
export interface Thresholds {
  readonly warningMs: number;
  readonly criticalMs: number;
}

export const usualThresholds: Thresholds = { warningMs: 3_000, criticalMs: 60_000 };

/** Settling takes the settle time after the last transaction that was open; one open for this long was forgotten. */
const longSettlingMs = 3_600_000;

/** Says in words whether all is well: lag decides, and whatever nobody will mend by waiting is at least a warning. */
export function assess(
  handlers: readonly HandlerStatus[],
  { warningMs, criticalMs }: Thresholds,
  whenLate = '',
): Assessment {
  let level: Level = 'ok';
  const reasons: string[] = [];
  const raise = (to: 'warning' | 'critical', reason: string) => {
    if (level !== 'critical') level = to;
    reasons.push(reason);
  };
  for (const { handler, configured, lagMs, failing, error, settlingMs, claimed, settling } of handlers) {
    const late = lagMs >= criticalMs ? 'critical' : lagMs >= warningMs ? 'warning' : undefined;
    if (late) raise(late, `${handler} lags ${Math.round(lagMs / 100) / 10} s behind${whenLate}`);
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
