import type { SeenConsumer } from '../core/consumer-contract.ts';
import type { SeenDaemon } from '../core/daemon-registry.ts';
import type { HandlerStatus, Problem } from '../core/daemon-status.ts';
import { formatDuration, toSeconds } from '../core/duration.ts';
import type { Holding } from '../core/holding.ts';
import { several } from '../core/plural.ts';
import { printable } from '../core/printable-text.ts';
import { type Colour, levelColours, paint, wrap } from '../core/terminal.ts';
import { formatHolding } from '../observe/assess-holding.ts';
import { levelOf, worstFirst } from '../observe/health.ts';
import { consumerLine } from './consumer-line.ts';
import { statusTable, totalOf } from './status-table.ts';

export interface Found {
  readonly problems: readonly Problem[];
  readonly handlers: readonly HandlerStatus[];
  readonly consumers: readonly SeenConsumer[];
  /** What holds announcements; undefined where the barrier is not installed. */
  readonly holding?: readonly Holding[];
  readonly daemons: readonly SeenDaemon[];
}

/** Where it is shown. Without columns it is not a terminal, and lines may be of any length. */
export interface Screen {
  readonly columns?: number;
  readonly colour?: boolean;
}

/** The first line is that of a Nagios plugin; then come the handlers, and the daemons. */
export function statusReport(
  { problems, handlers, consumers, holding, daemons }: Found,
  screen: Screen = {},
): string {
  const { columns = Number.POSITIVE_INFINITY, colour = false } = screen;
  const painted = (text: string, own: Colour) => (colour ? paint(text, own) : text);
  const level = levelOf(problems);
  const head = `UNCACHED ${level.toUpperCase()}`;
  const all = worstFirst(problems);
  const line = (text: string) => ` - ${printable(withoutMeasures(text))}${measures(handlers)}`;
  const whole = line(
    all.map(({ text }) => text).join('; ') ||
      `${several(totalOf(handlers).backlog ?? 0, 'entry', 'entries')} waiting`,
  );
  // A monitor shows only the first line, so it contains all problems; a terminal has room below.
  const fits = all.length === 0 || head.length + whole.length <= columns;
  const lines = [
    painted(head, levelColours[level]) + (fits ? whole : line(several(all.length, 'problem'))),
    ...(fits ? [] : all).flatMap((one) =>
      wrap(`- ${printable(one.text)}`, columns, '  ').map((text) => painted(text, levelColours[one.level])),
    ),
    ...statusTable(handlers, problems, screen),
    // One cache says nothing that the handlers do not say.
    ...(consumers.length > 1 ? consumers.map((one) => printable(consumerLine(one))) : []),
    ...(holding ? [printable(holdingLine(holding))] : []),
    ...daemons.map((one) => printable(daemonLine(one))),
  ];
  return lines.map((one) => `${one}\n`).join('');
}

/** A plugin reports an unknown measure as `U`. */
function measures(handlers: readonly HandlerStatus[]): string {
  if (handlers.length === 0) return '';
  const { backlog, lagMs, failing } = totalOf(handlers);
  const lag = lagMs === null ? 'U' : `${toSeconds(lagMs)}s`;
  return ` | backlog=${backlog ?? 'U'} lag=${lag} failing=${failing}`;
}

/** A monitor reads everything after the first `|` as measures, so text from others must not contain one. */
function withoutMeasures(text: string): string {
  return text.replaceAll('|', '\\u007c');
}

/** The least transaction of all is what keeps the others from being announced. */
function holdingLine([first, ...others]: readonly Holding[]): string {
  if (!first) return 'announcements: nothing holds them';
  const more = others.length > 0 ? `, and ${several(others.length, 'more')}` : '';
  return `announcements: held: ${formatHolding(first)}${more}`;
}

function daemonLine({ report, connected }: SeenDaemon): string {
  if (!report) return 'daemon: connected, has not reported';
  const who = `daemon on ${report.host}, process ${report.pid}`;
  const age = formatDuration(report.seenMs);
  if (!connected) return `${who}: not connected, last reported ${age} ago`;
  return report.silent ? `${who}: has not reported for ${age}` : `${who}: reported ${age} ago`;
}
