import type { Event } from '../core/events.ts';

/** What has become of a new configuration, for the log, `status` and systemd. */
export function describeRefusal({ retryMs }: Extract<Event, { kind: 'reload-refused' }>): string {
  const why = retryMs === null ? 'has problems' : 'waits for its database';
  return `the new configuration ${why}, so the old one stays in effect`;
}
