import type { LogLevel } from '../core/configuration.ts';
import { printable } from '../core/printable-text.ts';
import type { Line } from './messages.ts';

const colours: Readonly<Record<LogLevel, number>> = { debug: 2, info: 32, warn: 33, error: 31 };

/** `2026-11-21 12:09:51.302 info  cleared listen_port  entries=1 files=2`, in local time. */
export function formatText(line: Line, now: Date, colour: boolean): string {
  const time = new Date(now.getTime() - now.getTimezoneOffset() * 60_000)
    .toISOString()
    .replace('T', ' ')
    .slice(0, -1);
  const level = line.level.padEnd(5);
  const shown = colour ? `\x1b[${colours[line.level]}m${level}\x1b[0m` : level;
  return `${time} ${shown} ${sentence(line)}\n`;
}

/** In syslog's numbers. */
const priorities: Readonly<Record<LogLevel, number>> = { debug: 7, info: 6, warn: 4, error: 3 };

export function formatJournald(line: Line): string {
  return `<${priorities[line.level]}>${sentence(line)}\n`;
}

/** The message, and the fields that it does not contain already. */
function sentence({ message, fields = {} }: Line): string {
  const more = Object.entries(fields)
    .filter(([, value]) => !isSaid(value, message))
    .map(([name, value]) => `${name}=${formatValue(value)}`);
  return printable([message, more.join(' ')].filter((part) => part !== '').join('  '));
}

function isSaid(value: unknown, message: string): boolean {
  if (value === null || value === undefined) return true;
  if (Array.isArray(value)) return value.every((one) => isSaid(one, message));
  return typeof value === 'string' && message.includes(value);
}

function formatValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(formatValue).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .map(([name, one]) => `${name}=${formatValue(one)}`)
      .join(' ');
  }
  return typeof value === 'string' && /[\s"=,]|^$/.test(value) ? JSON.stringify(value) : String(value);
}
