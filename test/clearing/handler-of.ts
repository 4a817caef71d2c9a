import { readHandlers } from '../../src/cache-kinds.ts';
import type { Handler } from '../../src/clearing/handler.ts';
import type { HandlerSettings } from '../../src/core/configuration.ts';

/** One handler with a queue, whose pages are named by their key. */
export function handlerOf(name: string, settings: Partial<HandlerSettings> = {}): Handler {
  const { handlers } = readHandlers([{ name, queue: name, clear: ['{id}'], followers: [], ...settings }]);
  const handler = handlers.get(name);
  if (!handler) throw new Error('no handler');
  return handler;
}
