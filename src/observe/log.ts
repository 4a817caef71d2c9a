import pino from 'pino';
import type { LogLevel } from '../core/configuration.ts';
import type { Event, Observe } from '../core/events.ts';
import { writeLines } from './lines.ts';
import { forJournald, forPeople } from './text.ts';
import { type Line, toLine } from './wording.ts';

/** `json` for programs, `text` for people, `journald` for systemd's journal: it has the time, and wants the priority as `<N>`. */
export const logFormats = ['json', 'text', 'journald'] as const;
export type LogFormat = (typeof logFormats)[number];

type Write = (event: string, line: Line) => void;

/**
 * Events as lines on standard output, written before `observe` returns, so that a crash cannot take the last ones.
 * @param least the least level that is written, asked for with each event
 */
export function openLog(format: LogFormat, least: () => LogLevel): Observe {
  const write = writers[format]();
  return (event) => {
    // There may be 50,000 in a second.
    if (event.kind === 'notified' && severity[least()] > severity.debug) return;
    for (const [name, line] of linesOf(event)) {
      if (severity[line.level] >= severity[least()]) write(name, line);
    }
  };
}

const severity: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

const writers: Readonly<Record<LogFormat, () => Write>> = {
  json() {
    const options = { level: 'debug', base: null, timestamp: pino.stdTimeFunctions.isoTime };
    const destination = writeLines(1, (lines) => {
      let note = '';
      const write = (text: string) => {
        note = text;
      };
      pino(options, { write }).error({ event: 'log-lost', lines }, lost(lines).message);
      return note;
    });
    const log = pino(options, destination);
    return (event, { level, message, fields }) => log[level]({ event, ...fields }, message);
  },
  text() {
    const colour = process.stdout.isTTY && !process.env.NO_COLOR;
    return plain((line) => forPeople(line, new Date(), colour));
  },
  journald: () => plain(forJournald),
};

function plain(inWords: (line: Line) => string): Write {
  const destination = writeLines(1, (lines) => inWords(lost(lines)));
  return (_event, line) => destination.write(inWords(line));
}

function lost(lines: number): Line {
  return { level: 'error', message: `the log could not be written: ${lines} lines are lost` };
}

/** One line an event; on the level debug, where the paths are known, one more for each that was deleted. */
function linesOf(event: Event): (readonly [name: string, line: Line])[] {
  const paths = event.kind === 'tried' ? (event.paths ?? []) : [];
  return [...paths.map((path) => ['deleted', deleted(path)] as const), [event.kind, toLine(event)]];
}

function deleted(path: string): Line {
  return { level: 'debug', message: `deleted ${path}`, fields: { path } };
}
