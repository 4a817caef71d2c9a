import type { Handler } from '../clearing/handler.ts';
import { type ChannelBinding, usableBindings } from '../core/contracts.ts';
import type { Observe } from '../core/events.ts';

interface Parts {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly disabled?: ReadonlyMap<string, { readonly why: string }>;
  readonly channels: readonly ChannelBinding[];
  readonly observe: Observe;
}

/**
 * Reports channels that wake no handler and handlers that no channel wakes, each as an error in the log.
 * Everything else goes on.
 */
export function reportChannelProblems({ handlers, disabled, channels: listened, observe }: Parts): void {
  const channels = usableBindings(listened);
  for (const { problem } of listened)
    if (problem !== undefined) observe({ kind: 'unusable-channel', problem });
  const known = [...handlers.keys()];
  for (const { channel, handler } of channels) {
    const why = disabled?.get(handler)?.why;
    if (why !== undefined) observe({ kind: 'disabled-handler', channel, handler, why });
    else if (!handlers.has(handler)) observe({ kind: 'unknown-handler', channel, handler, known });
  }
  for (const { name, queue } of handlers.values()) {
    if (queue !== undefined && !channels.some(({ handler }) => handler === name)) {
      observe({ kind: 'handler-without-channel', handler: name });
    }
  }
}
