import type { ProblemKind } from '../core/daemon-status.ts';
import { explain, isOutage } from '../core/errors.ts';
import type { Event } from '../core/events.ts';
import { several } from '../core/plural.ts';
import { clip, longestError } from '../core/printable-text.ts';
import { newMs } from './health.ts';
import { describeRefusal } from './reload-refusal.ts';

/** When a problem is critical; else it is a warning. */
export type Criticality = 'at once' | 'when long' | 'never';

export interface EventProblem {
  readonly kind: ProblemKind;
  readonly handler?: string;
  readonly text: string;
  readonly critical?: Criticality;
  /** No event reports its end: it is shown for this long. */
  readonly forMs?: number;
}

type Keyed = [key: string, problem: EventProblem];

/** The sweep still finds new entries. */
export function notListening(why: string): Keyed {
  return ['listening', { kind: 'listening', text: `not listening: ${why}`, critical: 'when long' }];
}

/** What to remember of an event until it is over, under a key: a second event replaces the first. */
export function problemOf(event: Event): Keyed | undefined {
  switch (event.kind) {
    case 'database-unavailable':
    case 'retrying':
    case 'listener-lost':
      return formatUnheard(event.error);
    case 'reloading':
      return notListening(`reloading: ${event.why}`);
    case 'stopping':
      return notListening('stopping');
    case 'reload-refused': {
      const text = `${describeRefusal(event)}: ${clip(event.problems.join('; '), longestError)}`;
      return ['configuration', { kind: 'configuration', text }];
    }
    case 'not-serving':
      return ['http', { kind: 'http', text: explain(event.error) }];
    case 'rows-invalid': {
      const { handler, rows, errors } = event;
      const text = `${handler}: ${several(rows, 'row')} with an invalid key: ${clip(errors.join('; '), longestError)}`;
      return [`invalid ${handler}`, { kind: 'invalid', handler, text, forMs: newMs }];
    }
    case 'wipe-failed':
      return [
        'wipe',
        { kind: 'root', text: `part of the cache could not be cleared and may be stale: ${event.error}` },
      ];
    default:
      return channelProblem(event);
  }
}

/** The keys of the problems that end with it. */
export function problemsEndedBy({ kind }: Event): readonly string[] {
  return over[kind] ?? [];
}

const over: { readonly [K in Event['kind']]?: readonly string[] } = {
  heartbeat: ['listening'],
  // After a heartbeat, and after the report of the connection that was lost before it.
  listening: ['listening'],
  serving: ['http'],
  'wipe-completed': ['wipe'],
};

function formatUnheard(error: Error): Keyed {
  const text = `not listening: ${explain(error)}`;
  return isOutage(error)
    ? ['listening', { kind: 'database', text, critical: 'at once' }]
    : notListening(explain(error));
}

function channelProblem(event: Event): Keyed | undefined {
  switch (event.kind) {
    case 'unusable-channel':
      return [`unusable ${event.problem}`, { kind: 'channel', text: event.problem }];
    case 'handler-without-channel': {
      const { handler } = event;
      const text = `no channel in listen_for wakes ${handler}: only the sweep finds its entries`;
      return [`unheard ${handler}`, { kind: 'channel', handler, text }];
    }
    default:
      return undefined;
  }
}
