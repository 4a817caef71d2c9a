import type { SeenDaemon } from '../core/daemon-registry.ts';
import {
  type HandlerStatus,
  type Level,
  type Problem,
  type ProblemKind,
  type Thresholds,
  usualThresholds,
} from '../core/daemon-status.ts';
import { explain, isLocked, toError, UsageError } from '../core/errors.ts';
import { printableLines } from '../core/printable-text.ts';
import { wantsColour } from '../core/terminal.ts';
import { statusLockedMs, statusTimings } from '../core/timings.ts';
import { openTurns } from '../core/turns.ts';
import { systemClock } from '../daemon/system-clock.ts';
import { loadAll } from '../load-all.ts';
import { assessConsumers } from '../observe/assess-consumers.ts';
import { assessHolding } from '../observe/assess-holding.ts';
import { countHandlers, type HandlerCounts } from '../observe/count-handlers.ts';
import { assess, formatWaiting, levelOf } from '../observe/health.ts';
import { openDatabase } from '../open-database.ts';
import { statusConnections } from '../postgres/connection-count.ts';
import { daemonProblems } from './daemon-problems.ts';
import { draw } from './output.ts';
import { type Found, type Screen, statusReport } from './status-report.ts';
import { timeOption } from './time-option.ts';
import { watchStatus } from './watch-status.ts';

export interface StatusOptions {
  readonly json?: boolean;
  readonly watch?: boolean;
  readonly warning?: string;
  readonly critical?: string;
}

const exitCodes: Readonly<Record<Level, number>> = { ok: 0, warning: 1, critical: 2 };

/**
 * Daemons, backlog, lag and log by handler, as a Nagios plugin: one line with everything, then a table. A
 * monitor shows only that line, so every problem is in it, including a wrong configuration.
 * @param file finds the configuration; may throw a UsageError
 */
export async function status(file: () => string, options: StatusOptions): Promise<number> {
  if (options.watch) return watchStatus(() => assessAll(file, options, screenNow()));
  const { code, text } = await assessAll(file, options, screenNow());
  draw(text);
  return code;
}

function screenNow(): Screen {
  const { isTTY, columns } = process.stdout;
  return { colour: wantsColour(process.stdout), ...(isTTY && columns > 0 && { columns }) };
}

/** Its output, and its exit code. */
export async function assessAll(
  file: () => string,
  options: StatusOptions,
  screen: Screen = {},
): Promise<{ code: number; text: string }> {
  const found = await find(file, options);
  const health = levelOf(found.problems);
  const code = exitCodes[health];
  if (!options.json) return { code, text: statusReport(found, screen) };
  const json = { health, ...found, daemons: found.daemons.map(daemonFields) };
  return { code, text: printableLines(`${JSON.stringify(json, null, 2)}\n`) };
}

/** Its problems are listed with all others. */
function daemonFields({ report, connected }: SeenDaemon) {
  const { host = null, pid = null, seenMs: reportAgeMs = null, silent = false } = report ?? {};
  return { host, pid, connected, silent, reportAgeMs };
}

async function find(file: () => string, options: StatusOptions): Promise<Found> {
  try {
    return await look(file(), options);
  } catch (thrown) {
    const critical = (kind: ProblemKind) => (text: string) => ({ level: 'critical', kind, text }) as const;
    const problems =
      thrown instanceof UsageError
        ? thrown.problems.map(critical('configuration'))
        : [critical('database')(explain(toError(thrown)))];
    return { problems, handlers: [], consumers: [], daemons: [] };
  }
}

async function look(file: string, { warning, critical }: StatusOptions): Promise<Found> {
  const thresholds = {
    warningMs: warning === undefined ? usualThresholds.warningMs : timeOption('--warning', warning),
    criticalMs: critical === undefined ? usualThresholds.criticalMs : timeOption('--critical', critical),
  };
  const loaded = loadAll(file);
  const database = openDatabase(loaded, { timings: statusTimings, most: statusConnections });
  try {
    await database.hosts.findPrimary();
    const until = systemClock.now() + statusLockedMs;
    const turns = openTurns({
      atOnce: statusConnections,
      again: (error) => isLocked(error) && systemClock.now() < until,
    });
    const [counted, seen] = await Promise.all([
      countHandlers({ ...loaded, ...database }, turns),
      database.daemons(() => {}).list(turns),
    ]);
    const { handlers, consumers, holding } = counted;
    const problems = judge(counted, seen, thresholds);
    return { problems, handlers, consumers, ...(holding && { holding }), daemons: seen.daemons };
  } finally {
    await database.end();
  }
}

/** The daemon's own report on a handler is nearer to the cause than what the counts show. */
function judge(
  { handlers, consumers, problems, holding = [] }: HandlerCounts,
  seen: { daemons: readonly SeenDaemon[]; unread?: string },
  thresholds: Thresholds,
): Problem[] {
  const waiting = handlers.some(
    ({ backlog, claimed, settling, failing }) => backlog !== 0 || claimed + settling + failing > 0,
  );
  const reported = daemonProblems(seen, { waiting });
  const isConnected = seen.daemons.some(({ connected }) => connected);
  const fleet = assessConsumers(consumers, thresholds, ({ problem }) =>
    problem === null ? !isConnected : reported.some(({ text }) => text.includes(problem)),
  );
  const counted = [
    ...problems,
    ...assess(handlers, thresholds),
    ...fleet,
    ...assessHolding(holding, thresholds),
    ...unaged(handlers, seen.daemons),
  ];
  const isReported = ({ kind, handler }: Problem) =>
    ['handler', 'backlog', 'invalid'].includes(kind) &&
    reported.some((other) => other.kind === kind && other.handler === handler);
  return [...reported, ...counted.filter((one) => !isReported(one))];
}

/** Only a daemon, which counts again and again, knows how long these have waited. */
function unaged(handlers: readonly HandlerStatus[], daemons: readonly SeenDaemon[]): Problem[] {
  if (daemons.some(({ connected, report }) => connected && report && !report.silent)) return [];
  return handlers.flatMap(({ handler, backlog, lagMs }): Problem[] =>
    backlog === null || backlog === 0 || lagMs !== null
      ? []
      : [
          {
            level: 'warning',
            kind: 'backlog',
            handler,
            text: `${formatWaiting(backlog)} for ${handler}: their age is unknown`,
          },
        ],
  );
}
