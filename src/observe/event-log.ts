import pino from 'pino';
import type { LogFormat, LogLevel } from '../core/configuration.ts';
import type { Event, Report } from '../core/events.ts';
import { several } from '../core/plural.ts';
import { clip, clipAll, printableLines } from '../core/printable-text.ts';
import { wantsColour } from '../core/terminal.ts';
import { openLogWriter } from './log-writer.ts';
import { type Line, toLine } from './messages.ts';
import { formatJournald, formatText } from './text-format.ts';

type Write = (event: string, line: Line) => void;

/**
 * Events as lines on standard output, written before `observe` returns, so that a crash cannot take the last
 * ones.
 * @param least the least level that is written, asked for with each event
 */
export function openEventLog(format: LogFormat, least: () => LogLevel): Report {
  const write = writers[format]();
  return (event) => {
    // There may be 50,000 in a second.
    if ((event.kind === 'notified' || event.kind === 'target-asked') && severity[least()] > severity.debug)
      return;
    for (const [name, line] of linesOf(event)) {
      if (severity[line.level] >= severity[least()]) write(name, line);
    }
  };
}

const severity: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

const writers: Readonly<Record<LogFormat, () => Write>> = {
  json() {
    const options = { level: 'debug', base: null, timestamp: pino.stdTimeFunctions.isoTime };
    const destination = openLogWriter(1, (lines) => {
      let note = '';
      const write = (text: string) => {
        note = text;
      };
      pino(options, { write }).error({ event: 'log-lines-lost', lines }, lost(lines).message);
      return note;
    });
    const log = pino(options, { write: (line) => destination.write(printableLines(line)) });
    return (event, { level, message, fields }) => log[level]({ event, ...fields }, message);
  },
  text() {
    const colour = wantsColour(process.stdout);
    return plain((line) => formatText(line, new Date(), colour));
  },
  journald: () => plain(formatJournald),
};

function plain(formatLine: (line: Line) => string): Write {
  const destination = openLogWriter(1, (lines) => formatLine(lost(lines)));
  return (_event, line) => destination.write(formatLine(line));
}

function lost(lines: number): Line {
  return {
    level: 'error',
    message: `the log could not be written: ${several(lines, 'line is', 'lines are')} lost`,
  };
}

/**
 * One line for each event; at the level debug, where the paths are known, one more for each path that was
 * deleted.
 */
function linesOf(event: Event): (readonly [name: string, line: Line])[] {
  const paths = event.kind === 'batch-done' ? (event.paths ?? []) : [];
  return [...paths.map((path) => ['deleted', deleted(path)] as const), [event.kind, bounded(toLine(event))]];
}

/** However large an event is: nobody reads more of it, and a log is finite. */
const longestText = 4_096;

function bounded({ level, message, fields }: Line): Line {
  return {
    level,
    message: clip(message, longestText),
    ...(fields && { fields: clipAll(fields, longestText) }),
  };
}

function deleted(path: string): Line {
  return { level: 'debug', message: `deleted ${path}`, fields: { path } };
}
