import type { LogLevel } from '../core/configuration.ts';
import { remedies } from '../core/disk-errors.ts';
import { explain } from '../core/errors.ts';
import type { Event } from '../core/events.ts';
import { several } from '../core/plural.ts';
import { clipAll, longestError } from '../core/printable-text.ts';
import { shellWord } from '../core/shell.ts';
import { didYouMean } from '../core/suggest.ts';
import { describeRefusal } from './reload-refusal.ts';
import { toTargetLine } from './target-messages.ts';

export interface Line {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** How an event reads in the log: its level, its sentence, its numbers. Every error says what to do. */
export function toLine(event: Event): Line {
  switch (event.kind) {
    case 'starting': {
      const { kind, ...fields } = event;
      return { level: 'info', message: 'starting', fields };
    }
    case 'notice':
      return { level: 'warn', message: event.text };
    case 'database-unavailable':
      return {
        level: 'error',
        message: `${explain(event.error)}; retrying until it works`,
        fields: { retryMs: round(event.retryMs) },
      };
    case 'retrying':
      return {
        level: 'debug',
        message: `still failing: ${explain(event.error)}`,
        fields: { retryMs: round(event.retryMs) },
      };
    case 'systemd-notify-failed':
      return {
        level: 'warn',
        message: `cannot report to systemd (${explain(event.error)}): install systemd-notify, or set Type=exec and remove WatchdogSec in the unit`,
      };
    case 'fatal-error':
      return {
        level: 'error',
        message: `${explain(event.error)}; exiting: this will not fix itself. "uncached check" reports every problem`,
      };
    case 'unexpected-error':
      return {
        level: 'error',
        message: `unexpected error: ${explain(event.error)}; shutting down, so that the supervisor starts uncached again. Nothing is lost. Please report this error`,
        fields: { stack: event.error.stack },
      };
    case 'listening': {
      const names = event.channels.map(({ channel }) => channel).join(', ') || 'nothing: listen_for is empty';
      return { level: 'info', message: `listening to ${names}`, fields: { channels: event.channels } };
    }
    case 'unknown-handler':
      return {
        level: 'error',
        message: `channel ${event.channel} asks for the handler "${event.handler}", which is not configured${didYouMean(event.handler, event.known)}: correct its script_name in listen_for, delete the row, or add a section [handler.${event.handler}]`,
        fields: { channel: event.channel, handler: event.handler },
      };
    case 'unusable-channel':
      return { level: 'error', message: event.problem };
    case 'disabled-handler':
      return {
        level: 'warn',
        message: `channel ${event.channel} asks for the handler "${event.handler}", which is disabled: ${event.why}`,
        fields: { channel: event.channel, handler: event.handler },
      };
    case 'handler-without-channel':
      return {
        level: 'warn',
        message: `no channel in listen_for wakes the handler ${event.handler}, so only the sweep finds its entries: add a row with script_name = '${event.handler}' to listen_for`,
        fields: { handler: event.handler },
      };
    case 'listener-lost':
      return {
        level: 'error',
        message: `listener disconnected (${explain(event.error)}): reconnecting`,
      };
    case 'database-recovered':
      return {
        level: 'info',
        message: 'the database is available again',
        fields: { outageMs: round(event.ms) },
      };
    case 'heartbeat':
      return { level: 'debug', message: 'heartbeat received', fields: { roundTripMs: round(event.ms) } };
    case 'notified':
      return { level: 'debug', message: `notified on ${event.channel}`, fields: { channel: event.channel } };
    case 'cache-wiped':
      return {
        level: 'warn',
        message: `${wiped[event.why]}: ${event.whole ? 'cleared the whole cache' : 'cleared the cache, but for a part'}`,
        fields: { files: event.files, reason: event.why },
      };
    case 'wipe-failed':
      return {
        level: 'error',
        message: `part of the cache could not be cleared and may be stale (${event.error}): it is retried, at least every hour`,
        fields: { paths: event.paths },
      };
    case 'wipe-completed':
      return { level: 'info', message: 'the rest of the cache has been cleared' };
    case 'marker-failed':
      return { level: 'warn', message: `${explain(event.error)}; the next start may clear the whole cache` };
    case 'log-recovery':
      return {
        level: 'info',
        message: 'recovering: clearing again what was not settled',
        fields: { rows: event.rows },
      };
    case 'cleared': {
      const { handler, entries, keys, failedKeys, examples, files, ms, lagMs } = event;
      return {
        level: 'info',
        message: `cleared ${handler}`,
        fields: {
          handler,
          entries,
          keys,
          // A search of the log for failures must find no others.
          ...(failedKeys > 0 && { failedKeys }),
          examples: clipAll(examples),
          files,
          durationMs: round(ms),
          lagMs: lagMs === null ? null : round(lagMs),
        },
      };
    }
    case 'clear-failed': {
      const { handler, failedKeys, examples, files, ms } = event;
      return {
        level: 'info',
        message: `could not clear ${handler}`,
        fields: { handler, failedKeys, examples: clipAll(examples), files, durationMs: round(ms) },
      };
    }
    case 'settled':
      return { level: 'info', message: 'settled', fields: { rows: event.rows, files: event.files } };
    case 'batch-done': {
      const { handler, cleared, files, failures, invalid } = event;
      return {
        level: 'debug',
        message: `tried ${several(cleared.length + failures.length + invalid.length, 'row')} of ${handler}, ${failures.length} failed`,
        fields: { handler, files, failedRows: failures.length },
      };
    }
    case 'rows-failed': {
      const errors = clipAll(event.errors, longestError);
      return {
        level: 'error',
        message: `${event.handler}: ${several(event.rows, 'row')} failing: ${errors.join('; ')}. Failing rows are kept and retried ("uncached failing list" shows them)`,
        fields: { handler: event.handler, rows: event.rows, errors },
      };
    }
    case 'rows-invalid': {
      const errors = clipAll(event.errors, longestError);
      return {
        level: 'warn',
        message: `${event.handler}: ${several(event.rows, 'row')} with an invalid key: ${errors.join('; ')}. The pages of other templates are cleared, and this is not retried: correct the template or the data, then "uncached failing retry"; or discard it: "uncached failing drop" ("uncached failing list" shows each, once it has settled)`,
        fields: { handler: event.handler, rows: event.rows, errors },
      };
    }
    case 'disk-failing':
      return {
        level: 'error',
        message: `${event.error}: ${remedies[event.code]}. Nothing is lost: affected entries are kept and retried, at least every hour, or at once: uncached failing retry`,
        fields: { code: event.code, rows: event.rows },
      };
    case 'disk-recovered':
      return {
        level: 'info',
        message: `files can be deleted again (${event.code})`,
        fields: { code: event.code, rows: event.rows, outageMs: round(event.ms) },
      };
    case 'rows-orphaned':
      return {
        level: 'error',
        message: `the log has ${several(event.rows, 'row')} of the handler "${event.handler}", which is not configured or is disabled: configure it again, or discard them: uncached failing drop --handler ${shellWord(event.handler)}`,
        fields: { handler: event.handler, rows: event.rows },
      };
    case 'loop-failed':
      return {
        level: 'error',
        message: `${event.loop}: ${explain(event.error)}; ${event.retryMs === null ? 'it ends here; nothing is lost, and it goes on after the reload, or at the next start' : 'retrying until it works'}`,
        fields: { loop: event.loop, ...(event.retryMs !== null && { retryMs: round(event.retryMs) }) },
      };
    case 'loop-recovered':
      return { level: 'info', message: `${event.loop}: works again`, fields: { loop: event.loop } };
    case 'problem-found': {
      const { level, kind, handler, text } = event.problem;
      const fields = { kind, handler };
      if (level === 'warning') return { level: 'warn', message: text, fields };
      return { level: 'error', message: `${text}; run "uncached check" to find the reason`, fields };
    }
    case 'problem-resolved': {
      const { kind, handler } = event.problem;
      return { level: 'info', message: `resolved: ${event.problem.text}`, fields: { kind, handler } };
    }
    case 'target-asked':
    case 'target-down':
    case 'target-up':
    case 'cleared-behind':
      return toTargetLine(event);
    case 'serving':
      return { level: 'info', message: `status page at ${event.url}`, fields: { url: event.url } };
    case 'not-serving':
      return {
        level: 'error',
        message: `${explain(event.error)}; clearing continues without it; retrying until it works`,
        fields: { retryMs: round(event.retryMs) },
      };
    case 'reloading':
      return { level: 'info', message: `${event.why}: reloading` };
    case 'reload-refused':
      return {
        level: 'error',
        message: `${describeRefusal(event)}: ${event.retryMs === null ? 'correct it and send SIGHUP again: ' : ''}${event.problems.join('; ')}`,
        fields: { problems: event.problems, ...(event.retryMs !== null && { retryMs: event.retryMs }) },
      };
    case 'stopping':
      return {
        level: 'info',
        message: `${event.signal}: shutting down after the current batch`,
        fields: { signal: event.signal },
      };
    case 'stopped':
      return { level: 'info', message: 'stopped' };
    default:
      return event satisfies never;
  }
}

const wiped = {
  crash: 'the machine crashed since the last run, which can bring deleted pages back',
  unknown:
    'this root, or a file system in it, is not the one that was cleared before, or its marker cannot be read',
  copy: 'this root is a copy of another, or came from another machine',
  new: 'this root is new to this database, where changes were cleared before',
  expired: 'no daemon cleared this root for longer than expire',
};

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
