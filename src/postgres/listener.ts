import type { ClientConfig } from 'pg';
import createSubscriber, { type Subscriber } from 'pg-listen';
import { toError } from '../core/errors.ts';
import { withAdvice } from './advice.ts';

export interface Listening {
  /** Settles when the connection is lost, with the reason. */
  readonly lost: Promise<Error>;
  close(): void;
}

/** How often pg-listen asks its connection for a sign of life; it waits `query_timeout` for the answer. */
const checkMs = 10_000;
const answerMs = 5_000;

/**
 * LISTENs on the channels; resolves when every LISTEN is committed, so that whatever is committed afterwards is heard.
 *
 * pg-listen, with its traps closed. It reconnects by itself, but after its `retryTimeout` it is deaf for ever, a link lost during
 * its re-LISTEN goes unseen, and a subscriber closed during an outage comes back later. So it may not: `retryLimit: 1` makes it
 * give up at once, and whoever called us throws it away and listens anew, by the same road as the first time.
 */
export async function listen(
  config: ClientConfig,
  channels: readonly string[],
  onNotification: (channel: string) => void,
): Promise<Listening> {
  const subscriber = createSubscriber.default(
    { ...config, application_name: 'uncached listener', query_timeout: answerMs },
    // Payloads are free text; the default parser takes anything but JSON for an error and drops the notification.
    { retryLimit: 1, paranoidChecking: checkMs, parse: (text: string) => text },
  );
  const lost = new Promise<Error>((resolve) => {
    subscriber.events.on('error', (error) => resolve(toError(error)));
  });
  // It emits each channel's name as an event; a channel called "error" would throw.
  subscriber.notifications.on('error', () => {});
  subscriber.events.on('notification', ({ channel }) => onNotification(channel));
  try {
    await subscriber.connect();
    for (const channel of new Set(channels)) await subscriber.listenTo(channel);
  } catch (error) {
    close(subscriber);
    throw withAdvice('Cannot listen', error);
  }
  return { lost, close: () => close(subscriber) };
}

/** Not awaited: a half-open link never confirms. */
function close(subscriber: Subscriber): void {
  subscriber.close().catch(() => {});
}
