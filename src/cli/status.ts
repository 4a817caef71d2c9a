import { loadAll, openApp } from '../app.ts';
import { duration } from '../config/values.ts';
import { explain, toError, UsageError } from '../core/errors.ts';
import type { HandlerStatus, Level } from '../core/status.ts';
import { assess } from '../observe/assess.ts';
import { countHandlers } from '../observe/count.ts';

export interface StatusOptions {
  readonly json?: boolean;
  readonly warning: string;
  readonly critical: string;
}

const exitCodes: Readonly<Record<Level, number>> = { ok: 0, warning: 1, critical: 2 };

/** Backlog, lag and journal by handler, as a Nagios plugin: one line that says it all, then a table. */
export async function status(file: string, options: StatusOptions): Promise<number> {
  const thresholds = {
    warningMs: toMs('--warning', options.warning),
    criticalMs: toMs('--critical', options.critical),
  };
  const app = openApp(loadAll(file));
  try {
    await app.findPrimary();
    const handlers = await countHandlers(app);
    const { level, reasons } = assess(handlers, thresholds, ': is the daemon running?');
    print(handlers, level, reasons, options.json ?? false);
    return exitCodes[level];
  } catch (error) {
    print([], 'critical', [explain(toError(error))], options.json ?? false);
    return exitCodes.critical;
  } finally {
    await app.close();
  }
}

function print(
  handlers: readonly HandlerStatus[],
  level: Level,
  reasons: readonly string[],
  json: boolean,
): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ level, reasons, handlers }, null, 2)}\n`);
    return;
  }
  const sum = (of: (one: HandlerStatus) => number) => handlers.reduce((total, one) => total + of(one), 0);
  const backlog = sum((one) => one.backlog);
  const lag = seconds(Math.max(0, ...handlers.map((one) => one.lagMs)));
  const failing = sum((one) => one.failing);
  const summary = reasons.join('; ') || `${backlog} entries waiting`;
  const measures = handlers.length > 0 ? ` | backlog=${backlog} lag=${lag}s failing=${failing}` : '';
  process.stdout.write(`UNCACHED ${level.toUpperCase()} - ${summary}${measures}\n${table(handlers)}`);
}

function table(handlers: readonly HandlerStatus[]): string {
  if (handlers.length === 0) return '';
  const head = ['handler', 'backlog', 'lag', 'claimed', 'settling', 'failing'];
  const rows = handlers.map((one) =>
    [one.handler, one.backlog, `${seconds(one.lagMs)} s`, one.claimed, one.settling, one.failing].map(String),
  );
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  return [head, ...rows].map((cells) => `${line(cells)}\n`).join('');
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}

function toMs(option: string, value: string): number {
  try {
    return duration(0)(value);
  } catch (error) {
    throw new UsageError([`${option} ${value}: ${(error as Error).message}`]);
  }
}
