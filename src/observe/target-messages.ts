import { formatDuration } from '../core/duration.ts';
import type { Event } from '../core/events.ts';
import { several } from '../core/plural.ts';
import type { Line } from './messages.ts';

type TargetEvent = Extract<Event, { kind: 'target-asked' | 'target-down' | 'target-up' | 'cleared-behind' }>;

/** How an event of a target reads in the log. */
export function toTargetLine(event: TargetEvent): Line {
  switch (event.kind) {
    case 'target-asked': {
      const { target, outcome, works, ms } = event;
      const fields = { target, outcome, works, durationMs: tenths(ms) };
      return { level: 'debug', message: `asked ${target}: ${outcome}`, fields };
    }
    case 'target-down':
      return {
        level: 'error',
        message: `${event.text}. Nothing is lost: one request is retried after 1, 2, 4 … 60 s, and all that it misses is sent when it answers. What to do: doc/caches.md, "When it does not work"`,
        fields: { target: event.target },
      };
    case 'target-up': {
      const { target, called, ms, behind } = event;
      const missed = behind === undefined ? '' : `, ${several(behind, 'row')} behind`;
      const fields = { target, outageMs: tenths(ms), behind };
      return {
        level: 'info',
        message: `${called} answers again after ${formatDuration(ms)}${missed}`,
        fields,
      };
    }
    case 'cleared-behind': {
      const { consumer, lagMs } = event;
      return { level: 'debug', message: `cleared ${consumer}`, fields: { consumer, lagMs: tenths(lagMs) } };
    }
    default:
      return event satisfies never;
  }
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
