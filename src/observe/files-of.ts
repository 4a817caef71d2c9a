import type { Event } from '../core/events.ts';

/**
 * The files that a batch cleared, by the handler whose templates name them: its own, and those under `then`.
 */
export function filesOf({
  handler,
  files,
  followers = {},
}: Extract<Event, { kind: 'batch-done' }>): [handler: string, files: number][] {
  const others = Object.entries(followers);
  const own = others.reduce((rest, [, count]) => rest - count, files);
  return [[handler, own], ...others];
}
