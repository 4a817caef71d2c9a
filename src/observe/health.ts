import { maxCounted } from '../core/contracts.ts';
import type { HandlerStatus, Level, Problem, Thresholds } from '../core/daemon-status.ts';
import { toSeconds } from '../core/duration.ts';
import { several } from '../core/plural.ts';
import { clip, longestError } from '../core/printable-text.ts';
import { shellWord } from '../core/shell.ts';

/**
 * Settling takes the settle time after the last transaction that was open; one open for this long was
 * forgotten.
 */
const longSettlingMs = 3_600_000;

/** Invalid rows, which no retry can clear, are a problem for this long. */
export const newMs = 3_600_000;

export function levelOf(problems: readonly Problem[]): Level {
  if (problems.some(({ level }) => level === 'critical')) return 'critical';
  return problems.length > 0 ? 'warning' : 'ok';
}

export function worstFirst(problems: readonly Problem[]): Problem[] {
  const isWarning = ({ level }: Problem) => (level === 'warning' ? 1 : 0);
  return problems.toSorted((one, other) => isWarning(one) - isWarning(other));
}

/**
 * What is wrong by the counts. Green means known to be good: what cannot be counted is critical, and entries
 * of unknown age are judged by the lower bound of their wait.
 */
export function assess(handlers: readonly HandlerStatus[], thresholds: Thresholds): Problem[] {
  const rows = handlers.reduce(
    (sum, { claimed, settling, failing }) => sum + claimed + settling + failing,
    0,
  );
  return [
    ...handlers.flatMap((one) => assessHandler(one, thresholds)),
    ...(rows < maxCounted
      ? []
      : [
          {
            level: 'warning',
            kind: 'log',
            text: `the log has at least ${rows} rows; the rest is not counted`,
          } as const,
        ]),
  ];
}

function assessHandler(one: HandlerStatus, { warningMs, criticalMs }: Thresholds): Problem[] {
  const { handler, state, problem, backlog, lagMs, lagAtLeastMs, failing, error, longestSettlingMs } = one;
  const found: Problem[] = [];
  const tell = (level: Problem['level'], kind: Problem['kind'], text: string) =>
    found.push({ level, kind, handler, text });

  if (state === 'disabled') {
    if (backlog !== 0) {
      tell('critical', 'handler', `${handler} is disabled, and ${formatWaiting(backlog)} for it: ${problem}`);
    }
  } else if (problem !== null) tell('critical', 'handler', `${handler}: ${problem}`);
  if (state === 'unknown') {
    const rows = one.claimed + one.settling + failing + one.invalid;
    tell(
      'warning',
      'orphaned',
      `the log has ${several(rows, 'row')} of ${handler}, which is not configured: configure it again, or discard them: uncached failing drop --handler ${shellWord(handler)}`,
    );
  }
  if ((backlog ?? 0) >= maxCounted)
    tell('warning', 'backlog', `${handler} has at least ${backlog} entries waiting`);
  const late = lagAtLeastMs >= criticalMs ? 'critical' : lagAtLeastMs >= warningMs ? 'warning' : undefined;
  if (late && lagMs !== null) tell(late, 'lag', `${handler} lags ${toSeconds(lagAtLeastMs)} s behind`);
  // A queue that cannot be counted is reported as the handler's problem.
  if (late && lagMs === null && backlog !== null) {
    tell(
      late,
      'backlog',
      `${formatWaiting(backlog)} for ${handler}, some for at least ${toSeconds(lagAtLeastMs)} s: their age is unknown`,
    );
  }
  if (failing > 0)
    tell(
      'warning',
      'failing',
      `${handler}: ${several(failing, 'row')} failing: ${clip(error ?? 'reason unknown', longestError)}`,
    );
  if (one.invalid > 0 && (one.newestInvalidAgeMs ?? 0) < newMs) {
    tell(
      'warning',
      'invalid',
      `${handler}: ${several(one.invalid, 'row')} with an invalid key: uncached failing list`,
    );
  }
  if ((longestSettlingMs ?? 0) >= longSettlingMs) {
    tell(
      'warning',
      'settling',
      `${handler} has been settling for over an hour: look for an old transaction in pg_stat_activity`,
    );
  }
  return found;
}

/** As the beginning of a sentence. */
export function formatWaiting(backlog: number | null): string {
  if (backlog === null) return 'an unknown number of entries waits';
  return several(backlog, 'entry waits', 'entries wait');
}
