import { AdaptiveBatchSize } from '../clearing/batch-size.ts';
import { type ClaimContext, clearWithoutQueue, drainQueue } from '../clearing/drain-queue.ts';
import type { Handler } from '../clearing/handler.ts';
import { aborted } from '../core/aborted.ts';
import type { ChannelBinding, Queue } from '../core/contracts.ts';
import type { Timings } from '../core/timings.ts';
import { Wakeup } from '../core/wakeup.ts';
import { EmptyClaimCooldown } from './cooldown.ts';
import { EmptyNotifications } from './empty-notifications.ts';
import { hint } from './hint.ts';
import { Loop, type Work } from './loop.ts';
import { Throttle } from './throttle.ts';

export interface HandlerLoop {
  /** A notification came on one of its channels. */
  notified(payload: string): void;
  /** Any other reason to claim. */
  wake(): void;
  stop(): Promise<void>;
}

interface Parts {
  readonly context: ClaimContext & { readonly timings: Timings };
  readonly batch: number;
  /** Whether a notification that names its key has it cleared at once. */
  readonly hints: boolean;
}

interface AllParts extends Parts {
  /**
   * Nothing is claimed before: the first root of a database has missed nothing only if nothing was claimed before it
   * was known.
   */
  readonly mayClaim: Promise<unknown>;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly queues: ReadonlyMap<string, Queue>;
  /** The channels that can be used. */
  readonly channels: readonly ChannelBinding[];
}

/**
 * Starts a loop for each handler that can be woken: by its queue, a channel, or a handler that it follows.
 */
export function startHandlerLoops({
  handlers: all,
  queues,
  channels,
  mayClaim,
  ...parts
}: AllParts): Map<string, HandlerLoop> {
  const handlers = [...all.values()];
  const followers = new Set(handlers.flatMap((one) => (one.queue === undefined ? [] : one.followers)));
  const woken = handlers.filter(
    ({ name, queue }) =>
      queue !== undefined || followers.has(name) || channels.some(({ handler }) => handler === name),
  );
  const wakeups = new Map(woken.map(({ name }) => [name, new Wakeup()]));
  const start = (handler: Handler) => {
    const wakeup = wakeups.get(handler.name) ?? new Wakeup();
    return startHandlerLoop(handler, {
      ...parts,
      mayClaim,
      wakeup,
      wakeups,
      queue: queues.get(handler.name),
    });
  };
  return new Map(woken.map((handler) => [handler.name, start(handler)]));
}

interface LoopParts extends Parts, Pick<AllParts, 'mayClaim'> {
  readonly queue: Queue | undefined;
  readonly wakeup: Wakeup;
  /** Of all handlers. */
  readonly wakeups: ReadonlyMap<string, Wakeup>;
}

/** What a handler does when it is woken. */
function startHandlerLoop(handler: Handler, parts: LoopParts): HandlerLoop {
  const { context, mayClaim, queue, wakeup, hints } = parts;
  const { clock, timings } = context;
  const emptyNotifications = new EmptyNotifications(clock.now, timings.claims);
  const claims = queue ? drains(handler, queue, emptyNotifications, parts) : clears(handler, context);
  let may = false;
  mayClaim.then(() => {
    may = true;
  });
  const work: Work = async (signal) => {
    if (!may) await Promise.race([mayClaim, aborted(signal)]);
    return signal.aborted ? null : await claims(signal);
  };
  const loop = new Loop(handler.name, recovering(work, context), { ...context, wakeup });
  let notifiedAt = Number.NEGATIVE_INFINITY;
  /** A claim at the same time would take the processor from the hint, and the page would be there for longer. */
  async function wakeAfter(hinted: Promise<unknown>): Promise<void> {
    const ended = new AbortController();
    await Promise.race([hinted, clock.wait(timings.claims.hintMs, ended.signal).catch(() => {})]);
    ended.abort();
    loop.wake();
  }
  return {
    notified(payload) {
      emptyNotifications.notified();
      const hinted = hints && queue ? hint(handler, payload, context.consumers) : undefined;
      // Where one follows the other, claims that wait would meet the next hint.
      const isCalm = clock.now() - notifiedAt > timings.claims.hintMs;
      notifiedAt = clock.now();
      if (hinted && isCalm) void wakeAfter(hinted);
      else loop.wake();
    },
    wake: () => loop.wake(),
    stop: () => loop.stop(),
  };
}

/** A claim may have been committed whose answer was lost: then the log is read. */
function recovering(work: Work, { consumers }: Parts['context']): Work {
  return (signal) =>
    work(signal).catch((error) => {
      consumers.recover();
      throw error;
    });
}

function drains(
  handler: Handler,
  queue: Queue,
  emptyNotifications: EmptyNotifications,
  { context, batch, wakeups }: LoopParts,
): Work {
  const { clock } = context;
  const { claims } = context.timings;
  const pace = new AdaptiveBatchSize(batch, claims);
  const cooldown = new EmptyClaimCooldown(clock.now, claims);
  let found = false;
  const onBatch = ({ entries }: { entries: number }) => {
    if (entries === 0) return;
    found = true;
    emptyNotifications.claimed();
  };
  return async (signal) => {
    const isFirst = context.claimsAtOnce();
    const waitMs = Math.max(cooldown.remainingMs, isFirst ? 0 : claims.laterMs);
    if (waitMs > 0) await clock.wait(waitMs, signal).catch(() => {});
    found = false;
    emptyNotifications.drainBegins();
    const remains = await drainQueue(handler, queue, { context, pace, onBatch, signal });
    cooldown.record({ found });
    // As fp-listen did after each notification. A batch clears these too.
    // Another daemon does that where this one is not the first.
    if (isFirst && emptyNotifications.wasEmpty({ found: found || remains }) && !signal.aborted)
      for (const name of handler.followers) wakeups.get(name)?.wake();
    return remains ? claims.lockedAgainMs : null;
  };
}

function clears(handler: Handler, context: Parts['context']): Work {
  const { clock, timings } = context;
  const throttle = new Throttle(clock, timings.throttles.withoutQueue);
  return async (signal) => {
    await throttle.turn(signal);
    // The row of another daemon comes by the log.
    if (!context.claimsAtOnce()) return null;
    await clearWithoutQueue(handler, context);
    return null;
  };
}
