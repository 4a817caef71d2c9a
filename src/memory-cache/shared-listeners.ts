import { lastingClock } from './lasting-clock.ts';
import { type ConnectionSettings, sourceOf } from './notification-source.ts';
import { type SharedListener, sharedListener } from './shared-listener.ts';

const clock = lastingClock();
const listeners = new Map<string, SharedListener>();

/** The one listener of this process for the database. */
export function listenerFor(settings: ConnectionSettings): { listener: SharedListener; now: () => number } {
  const { name, open } = sourceOf(settings);
  const listener = listeners.get(name) ?? sharedListener(open(), clock, () => listeners.delete(name));
  listeners.set(name, listener);
  return { listener, now: clock.now };
}
