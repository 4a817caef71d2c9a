import { AdaptiveBatchSize } from '../clearing/batch-size.ts';
import { clearWithoutQueue, drainQueue } from '../clearing/drain-queue.ts';
import type { Handler } from '../clearing/handler.ts';
import type { Pipeline } from '../clearing/pipeline.ts';
import type { ChannelBinding, Queue } from '../core/contracts.ts';
import { Wakeup } from '../core/wakeup.ts';
import { EmptyClaimCooldown } from './cooldown.ts';
import { EmptyNotifications } from './empty-notifications.ts';
import { Loop, type Work } from './loop.ts';
import { Throttle } from './throttle.ts';

export interface HandlerLoop {
  /** A notification came on one of its channels. */
  notified(): void;
  /** Any other reason to claim. */
  wake(): void;
  stop(): Promise<void>;
}

interface Parts {
  readonly pipeline: Pipeline;
  readonly batch: number;
  /** What to do about an error. */
  readonly recovering: (work: Work) => Work;
}

interface AllParts extends Parts {
  readonly queues: ReadonlyMap<string, Queue>;
  /** The channels that can be used. */
  readonly channels: readonly ChannelBinding[];
}

/**
 * Starts a loop for each handler that can be woken: by its queue, a channel, or a handler that it follows.
 */
export function startHandlerLoops({ queues, channels, ...parts }: AllParts): Map<string, HandlerLoop> {
  const handlers = [...parts.pipeline.context.handlers.values()];
  const followers = new Set(handlers.flatMap((one) => (one.queue === undefined ? [] : one.followers)));
  const woken = handlers.filter(
    ({ name, queue }) =>
      queue !== undefined || followers.has(name) || channels.some(({ handler }) => handler === name),
  );
  const wakeups = new Map(woken.map(({ name }) => [name, new Wakeup()]));
  const start = (handler: Handler) => {
    const wakeup = wakeups.get(handler.name) ?? new Wakeup();
    return startHandlerLoop(handler, { ...parts, wakeup, wakeups, queue: queues.get(handler.name) });
  };
  return new Map(woken.map((handler) => [handler.name, start(handler)]));
}

interface LoopParts extends Parts {
  readonly queue: Queue | undefined;
  readonly wakeup: Wakeup;
  /** Of all handlers. */
  readonly wakeups: ReadonlyMap<string, Wakeup>;
}

/** What a handler does when it is woken. */
function startHandlerLoop(handler: Handler, parts: LoopParts): HandlerLoop {
  const { pipeline, queue, recovering, wakeup } = parts;
  const { clock, observe } = pipeline.context;
  const emptyNotifications = new EmptyNotifications(clock.now);
  const work = queue ? drains(handler, queue, emptyNotifications, parts) : clears(handler, pipeline);
  const loop = new Loop(handler.name, recovering(work), { clock, observe, wakeup });
  return {
    notified() {
      emptyNotifications.notified();
      loop.wake();
    },
    wake: () => loop.wake(),
    stop: () => loop.stop(),
  };
}

function drains(
  handler: Handler,
  queue: Queue,
  emptyNotifications: EmptyNotifications,
  { pipeline, batch, wakeups }: LoopParts,
): Work {
  const { clock, timings } = pipeline.context;
  const pace = new AdaptiveBatchSize(batch);
  const cooldown = new EmptyClaimCooldown(clock.now);
  let found = false;
  const onBatch = ({ entries }: { entries: number }) => {
    if (entries === 0) return;
    found = true;
    emptyNotifications.claimed();
  };
  return async (signal) => {
    if (cooldown.remainingMs > 0) await clock.wait(cooldown.remainingMs, signal).catch(() => {});
    found = false;
    emptyNotifications.drainBegins();
    const remains = await drainQueue(handler, queue, { pipeline, pace, onBatch, signal });
    cooldown.record({ found });
    // As fp-listen did after each notification. A batch clears these too.
    if (emptyNotifications.wasEmpty({ found: found || remains }) && !signal.aborted)
      for (const name of handler.followers) wakeups.get(name)?.wake();
    return remains ? timings.lockedAgainMs : null;
  };
}

function clears(handler: Handler, pipeline: Pipeline): Work {
  const { clock, timings } = pipeline.context;
  const throttle = new Throttle(clock, timings.throttles.withoutQueue);
  return async (signal) => {
    await throttle.turn(signal);
    await clearWithoutQueue(handler, pipeline);
    return null;
  };
}
