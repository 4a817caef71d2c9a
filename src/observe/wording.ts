import type { LogLevel } from '../core/configuration.ts';
import { mending } from '../core/disk.ts';
import { explain } from '../core/errors.ts';
import type { Event } from '../core/events.ts';
import { didYouMean } from '../core/suggest.ts';

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
    case 'connecting':
      return {
        level: 'error',
        message: `${explain(event.error)}; trying again until it works`,
        fields: { retryMs: round(event.retryMs) },
      };
    case 'trying':
      return {
        level: 'debug',
        message: `still so: ${explain(event.error)}`,
        fields: { retryMs: round(event.retryMs) },
      };
    case 'systemd-unheard':
      return {
        level: 'warn',
        message: `cannot tell systemd how uncached is (${explain(event.error)}): install systemd-notify, or set Type=exec and no WatchdogSec in the unit`,
      };
    case 'gave-up':
      return {
        level: 'error',
        message: `${explain(event.error)}; giving up, since waiting will not mend it: "uncached check" names every problem`,
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
    case 'disabled-handler':
      return {
        level: 'warn',
        message: `channel ${event.channel} asks for the handler "${event.handler}", which is disabled: ${event.why}`,
        fields: { channel: event.channel, handler: event.handler },
      };
    case 'unheard-handler':
      return {
        level: 'warn',
        message: `no channel in listen_for wakes the handler ${event.handler}, so that its queue is only swept: add a row with script_name = '${event.handler}' to listen_for`,
        fields: { handler: event.handler },
      };
    case 'listener-lost':
      return {
        level: 'error',
        message: `the listening connection is lost (${explain(event.error)}): connecting again`,
      };
    case 'recovered':
      return { level: 'info', message: 'the database is back', fields: { outageMs: round(event.ms) } };
    case 'heartbeat':
      return { level: 'debug', message: 'heard the heartbeat', fields: { ms: round(event.ms) } };
    case 'notified':
      return { level: 'debug', message: `notified on ${event.channel}`, fields: { channel: event.channel } };
    case 'revived':
      return {
        level: 'warn',
        message:
          'the machine stopped without warning since the last run, which can bring deleted pages back: cleared the whole cache',
        fields: { files: event.files },
      };
    case 'unclean':
      return { level: 'warn', message: `${explain(event.error)}; the next start may clear the whole cache` };
    case 'restarting':
      return {
        level: 'info',
        message: 'clearing again what the journal holds',
        fields: { rows: event.rows },
      };
    case 'cleared': {
      const { kind, ms, lagMs, ...fields } = event;
      return {
        level: 'info',
        message: `cleared ${event.handler}`,
        fields: { ...fields, ms: round(ms), lagMs: lagMs === null ? null : round(lagMs) },
      };
    }
    case 'settled':
      return { level: 'info', message: 'settled', fields: { rows: event.rows, files: event.files } };
    case 'tried': {
      const { handler, cleared, files, failures } = event;
      return {
        level: 'debug',
        message: `tried ${cleared.length + failures.length} rows of ${handler}, ${failures.length} failed`,
        fields: { handler, files, failed: failures.length },
      };
    }
    case 'rows-failed':
      return {
        level: 'error',
        message: `cannot clear ${event.rows} of ${event.handler}, will try again ("uncached failing list" shows what waits): ${event.errors.join('; ')}`,
        fields: { handler: event.handler, rows: event.rows, errors: event.errors },
      };
    case 'disk-refuses':
      return {
        level: 'error',
        message: `the disk refuses: ${event.error}: ${mending[event.code]}. Nothing is lost: what it strikes stays in the journal and is tried again, at the latest after an hour or with "uncached failing retry"`,
        fields: { code: event.code, rows: event.rows },
      };
    case 'disk-works':
      return {
        level: 'info',
        message: `the disk works again: nothing waits for it any more (${event.code})`,
        fields: { code: event.code, rows: event.rows, outageMs: round(event.ms) },
      };
    case 'orphaned':
      return {
        level: 'error',
        message: `the journal has ${event.rows} rows of the handler "${event.handler}", which is not configured: configure it again, or delete them from uncached.journal`,
        fields: { handler: event.handler, rows: event.rows },
      };
    case 'loop-failed':
      return {
        level: 'error',
        message: `${event.loop}: ${explain(event.error)}; trying again until it works`,
        fields: { loop: event.loop, retryMs: round(event.retryMs) },
      };
    case 'loop-recovered':
      return { level: 'info', message: `${event.loop}: works again`, fields: { loop: event.loop } };
    case 'serving':
      return { level: 'info', message: `status page at ${event.url}`, fields: { url: event.url } };
    case 'not-serving':
      return {
        level: 'error',
        message: `${explain(event.error)}; clearing goes on without it, trying again until it works`,
        fields: { retryMs: round(event.retryMs) },
      };
    case 'reloading':
      return { level: 'info', message: `${event.why}: starting over with it` };
    case 'reload-refused':
      return {
        level: 'error',
        message: `the configuration has problems: correct it and send SIGHUP again, until then the old one stays: ${event.problems.join('; ')}`,
        fields: { problems: event.problems },
      };
    case 'stopping':
      return {
        level: 'info',
        message: `${event.signal}: finishing the batches at hand`,
        fields: { signal: event.signal },
      };
    case 'stopped':
      return { level: 'info', message: 'stopped' };
    default:
      return event satisfies never;
  }
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
