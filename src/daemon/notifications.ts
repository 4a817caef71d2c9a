import { type ChannelBinding, channelsOf } from '../core/contracts.ts';

interface Notified {
  notified(payload: string): void;
}

/**
 * The handlers that a notification on each channel concerns. Computed once: there may be 50,000 notifications
 * a second.
 */
export function byChannel<Concerned extends Notified>(
  bindings: readonly ChannelBinding[],
  handlers: ReadonlyMap<string, Concerned>,
): ReadonlyMap<string, readonly Concerned[]> {
  const concerned = new Map<string, Concerned[]>();
  for (const binding of bindings) {
    const handler = handlers.get(binding.handler);
    if (!handler) continue;
    for (const name of channelsOf(binding)) concerned.set(name, [...(concerned.get(name) ?? []), handler]);
  }
  return concerned;
}
