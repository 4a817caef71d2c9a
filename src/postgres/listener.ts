import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { ClientConfig } from 'pg';
import createSubscriber, { type Subscriber } from 'pg-listen';
import { toError } from '../core/errors.ts';
import { withAdvice } from './advice.ts';
import type { Pool } from './pool.ts';

export interface Listening {
  /** Settles when the connection is lost, with the reason. */
  readonly lost: Promise<Error>;
  /**
   * Proves that notifications are heard: sends one on ANOTHER connection and waits for it. A half-open link looks well from here, and
   * through a pooler in transaction mode LISTEN succeeds and nothing ever comes; sent on the same connection, a notification would be
   * heard even there. Rejects when it is not heard in time.
   */
  heartbeat(): Promise<void>;
  close(): void;
}

/** How long sending a notification may take. */
const patienceMs = 4_000;

/** How long one that the server has taken may be on its way; on one machine it takes a millisecond. */
const hearingMs = 2_000;

/**
 * LISTENs on the channels; resolves when every LISTEN is committed, so that whatever is committed afterwards is heard.
 *
 * pg-listen, with its traps closed. It reconnects by itself, but after its `retryTimeout` it is deaf for ever, a link lost during
 * its re-LISTEN goes unseen, and a subscriber closed during an outage comes back later. So it may not: `retryLimit: 1` makes it
 * give up at once, and whoever called us throws it away and listens anew, by the same road as the first time. Its own check
 * (`paranoidChecking`) proves only that the connection answers: the heartbeat proves more.
 */
export async function listen(
  config: ClientConfig,
  pool: Pool,
  channels: readonly string[],
  onNotification: (channel: string) => void,
): Promise<Listening> {
  const subscriber = createSubscriber.default(
    { ...config, application_name: `${config.application_name} listener`, query_timeout: patienceMs },
    // Payloads are free text; the default parser takes anything but JSON for an error and drops the notification.
    { retryLimit: 1, paranoidChecking: false, parse: (text: string) => text },
  );
  const lost = new Promise<Error>((resolve) => {
    subscriber.events.on('error', (error) => resolve(toError(error)));
  });
  // It emits each channel's name as an event; a channel called "error" would throw.
  subscriber.notifications.on('error', () => {});
  const own = `uncached_heartbeat_${randomBytes(8).toString('hex')}`;
  let beat = () => {};
  subscriber.events.on('notification', ({ channel }) => (channel === own ? beat() : onNotification(channel)));
  try {
    await subscriber.connect();
    for (const channel of new Set([...channels, own])) await subscriber.listenTo(channel);
  } catch (error) {
    close(subscriber);
    throw withAdvice('Cannot listen', error);
  }

  async function heartbeat(): Promise<void> {
    const heard = new Promise<void>((resolve) => {
      beat = resolve;
    });
    const end = new AbortController();
    const sent = pool.query("SELECT pg_notify($1, '')", [own]).catch((error) => {
      throw withAdvice('Cannot send a heartbeat', error);
    });
    const tooLate = [silence(patienceMs, end.signal), sent.then(() => silence(hearingMs, end.signal))];
    try {
      // Sending may hang as well; whatever comes first decides.
      await Promise.race([heard, ...tooLate]);
    } finally {
      end.abort();
      for (const one of tooLate) one.catch(() => {});
    }
  }

  return { lost, heartbeat, close: () => close(subscriber) };
}

/**
 * Rejects after the time, as deaf. In two halves: when this machine stood still, the first is over at once, and what has arrived in the
 * meantime is heard before the second.
 */
async function silence(ms: number, signal: AbortSignal): Promise<never> {
  for (const half of [ms / 2, ms / 2]) await wait(half, undefined, { signal });
  throw new DeafError(ms);
}

/** LISTEN succeeded and yet nothing is heard. */
export class DeafError extends Error {
  constructor(ms: number) {
    super(
      `a notification sent was not heard within ${ms / 1_000} s: the connection is half-open, or it leads through a pooler in transaction or statement mode; connect to PostgreSQL itself or to a pooler in session mode`,
    );
    this.name = 'DeafError';
  }
}

/** Not awaited: a half-open link never confirms. */
function close(subscriber: Subscriber): void {
  subscriber.close().catch(() => {});
}
