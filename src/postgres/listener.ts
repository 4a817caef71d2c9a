import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import pg, { type ClientConfig } from 'pg';
import createSubscriber, { type Subscriber } from 'pg-listen';
import type { Listener, OnNotification } from '../core/listener-contract.ts';
import { asRole, withAdvice } from './advice.ts';
import type { Hosts } from './hosts.ts';
import type { Pool } from './pool.ts';
import { listeningSession } from './session.ts';
import { sessionNameFor } from './session-name.ts';

/**
 * LISTENs on the channels; resolves when every LISTEN is committed, so that every later notification arrives.
 *
 * pg-listen, without its traps. It reconnects by itself, but after its `retryTimeout` it never listens again,
 * a link lost during its re-LISTEN goes unnoticed, and a subscriber closed during an outage comes back later.
 * So it may not reconnect: `retryLimit: 1` makes it give up at once, and our caller discards it and listens
 * again in the same way as the first time. Its own check (`paranoidChecking`) proves only that the connection
 * answers: the heartbeat proves more.
 */
export async function listen(
  hosts: Hosts,
  pool: Pool,
  channels: readonly string[],
  onNotification: OnNotification,
): Promise<Listener> {
  const { sendMs, deliveryMs } = hosts.timings;
  const config = hosts.current();
  const subscriber = createSubscriber.default(
    withSession(
      { ...config, application_name: sessionNameFor('listener', config), query_timeout: sendMs },
      channels,
    ),
    // Payloads are free text; the default parser reports anything but JSON as an error and drops the
    // notification.
    { retryLimit: 1, paranoidChecking: false, parse: (text: string) => text },
  );
  const lost = new Promise<Error>((resolve) => {
    // This error says that it could not reconnect, which it may not do (see above).
    subscriber.events.on('error', () => resolve(new Error('PostgreSQL, or what is in between, closed it')));
  });
  // It emits each channel's name as an event; a channel called "error" would throw.
  subscriber.notifications.on('error', () => {});
  const own = `uncached_heartbeat_${randomBytes(8).toString('hex')}`;
  let beat = (_payload: unknown) => {};
  let abandon = () => {};
  subscriber.events.on('notification', ({ channel, payload }) =>
    // pg-listen gives undefined for an empty payload.
    channel === own ? beat(payload) : onNotification(channel, String(payload ?? '')),
  );
  try {
    await subscriber.connect();
    for (const channel of new Set([...channels, own])) await subscriber.listenTo(channel);
  } catch (error) {
    close(subscriber);
    throw withAdvice('Cannot listen', asRole(error, config.user));
  }

  async function heartbeat(): Promise<void> {
    // Others may notify our channel, too, if they see its name. They cannot predict our payload.
    const payload = randomBytes(16).toString('hex');
    const heard = new Promise<void>((resolve) => {
      beat = (received) => received === payload && resolve();
    });
    const end = new AbortController();
    abandon = () => end.abort();
    const by = hosts.current();
    const sent = pool.query('SELECT pg_notify($1, $2)', [own, payload]).catch((error) => {
      throw withAdvice('Cannot send a heartbeat', error);
    });
    const deadlines = [silence(sendMs, end.signal), sent.then(() => silence(deliveryMs, end.signal))];
    try {
      // Sending may hang as well; the first result decides.
      await Promise.race([heard, ...deadlines]);
    } catch (error) {
      // Either connection may be broken, and the next heartbeat must not use another one that broke for the
      // same reason.
      if (error instanceof NotReceivingError) hosts.distrust(by);
      throw error;
    } finally {
      end.abort();
      for (const one of deadlines) one.catch(() => {});
    }
  }

  return {
    lost,
    heartbeat,
    close() {
      // Its time-outs would keep the process from ending.
      abandon();
      close(subscriber);
    },
  };
}

/**
 * pg-listen does not expose its client, so the session's settings are sent with the first LISTEN, in one
 * message.
 */
class ListeningConnection extends pg.Connection {
  #settings: string;

  constructor(config: object, settings: string) {
    super(config);
    this.#settings = `${settings};`;
  }

  override query(text: string): void {
    super.query(this.#settings + text);
    this.#settings = '';
  }
}

function withSession(
  config: ClientConfig,
  channels: readonly string[],
): ClientConfig & { connection: pg.Connection } {
  const { ssl, stream } = config;
  const own = { keepAlive: true, ...(ssl && { ssl }), ...(stream && { stream }) };
  return { ...config, connection: new ListeningConnection(own, listeningSession(channels)) };
}

/**
 * Rejects after the time: nothing is received. It waits in two halves: if this machine was frozen, the first
 * is over at once, and the second leaves time to receive what has arrived meanwhile.
 */
async function silence(ms: number, signal: AbortSignal): Promise<never> {
  for (const half of [ms / 2, ms / 2]) await wait(half, undefined, { signal });
  throw new NotReceivingError(ms);
}

/** LISTEN succeeded and yet nothing arrives. */
class NotReceivingError extends Error {
  constructor(ms: number) {
    super(
      `a test notification did not arrive within ${ms / 1_000} s: the connection is half-open, or it leads through a pooler in transaction or statement mode; connect to PostgreSQL itself or to a pooler in session mode`,
    );
    this.name = 'DeafError';
  }
}

/** Not awaited: a half-open link never confirms. */
function close(subscriber: Subscriber): void {
  subscriber.close().catch(() => {});
}

/** Whether a notification sent on one connection arrives on another. */
export async function canReceive(pool: Pool, hosts: Hosts): Promise<boolean> {
  const listener = await listen(hosts, pool, [], () => {});
  try {
    await listener.heartbeat();
    return true;
  } catch (error) {
    if (error instanceof NotReceivingError) return false;
    throw error;
  } finally {
    listener.close();
  }
}
