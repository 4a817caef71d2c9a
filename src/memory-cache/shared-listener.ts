import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../core/contracts.ts';
import type { Event } from '../core/events.ts';
import { usualTimings } from '../core/timings.ts';
import { keepListening } from '../daemon/listen.ts';
import { channelOf } from './channel-name.ts';
import { keyOf, type NotifiedKey } from './dependency.ts';
import type { Source } from './notification-source.ts';
import { type Proofs, proofs } from './proofs.ts';

/** A cache that has to hear of changes. */
interface Follower {
  /** Folded (channel-name.ts), and as the application writes them. */
  readonly channels: readonly string[];
  readonly names: readonly string[];
  readonly maxStaleMs: number;
  changed(channel: string, key: NotifiedKey): void;
  wipe(): void;
  proven(at: number): void;
  /** Once an outage, when it begins. */
  onOutage(error: Error): void;
}

interface Following {
  /** Resolves when everything that was committed before the call has been heard. */
  current(): Promise<void>;
  close(): Promise<void>;
}

export interface SharedListener {
  follow(follower: Follower): Following;
}

/** A session that listens for the followers. */
interface Session extends Proofs {
  isOver: boolean;
}

/**
 * One listening connection for all caches that follow. It hears by the same proof as the daemon's, and each cache
 * is wiped after each LISTEN: nobody knows what was missed before.
 */
export function sharedListener(source: Source, clock: Clock, onEmpty: () => void): SharedListener {
  const followers = new Set<Follower>();
  /** Those who wait for the next attempt to listen. */
  const waiting: { resolve: (session: Session) => void; reject: (error: Error) => void }[] = [];
  let session: Session | undefined;
  let provenAt = Number.NEGATIVE_INFINITY;
  let hasOutage = false;
  let listensTo: ReadonlySet<string> = new Set();
  let beatsEachMs = Infinity;
  let stop = new AbortController();
  let running: Promise<void> = Promise.resolve();

  /** The proof of the most demanding follower is renewed three times before it is too old. */
  function heartbeatMs(): number {
    let leastMs = Infinity;
    for (const { maxStaleMs } of followers) leastMs = Math.min(leastMs, maxStaleMs);
    return leastMs / 3;
  }

  async function run(signal: AbortSignal): Promise<void> {
    // The caches that a program makes at its start, one after the other, get one connection.
    await turn();
    if (signal.aborted) return;
    listensTo = new Set([...followers].flatMap(({ channels, names }) => [...channels, ...names]));
    beatsEachMs = heartbeatMs();
    await keepListening(begin, {
      heartbeatMs: beatsEachMs,
      backoff: usualTimings.backoff,
      onNotification: () => {},
      onListening: () => {
        hasOutage = false;
      },
      clock,
      // What ends because others follow, or nobody any more, is no outage.
      observe: (event) => signal.aborted || observe(event),
      signal,
    });
  }

  async function begin() {
    const listener = await source.listen([...listensTo], notified);
    // After LISTEN, never before: what is committed in between would be neither heard nor wiped.
    for (const follower of followers) follower.wipe();
    const { prove, end } = proofs(listener.heartbeat, { now: clock.now, onProven });
    const own: Session = {
      prove,
      isOver: false,
      end(error) {
        own.isOver = true;
        if (session === own) session = undefined;
        end(error);
      },
    };
    listener.lost.then(own.end);
    session = own;
    for (const { resolve } of waiting.splice(0)) resolve(own);
    return {
      lost: listener.lost,
      heartbeat: prove,
      close() {
        own.end(new Error('Cannot hear of changes: the connection was given up'));
        listener.close();
      },
    };
  }

  function notified(name: string, payload: string): void {
    const channel = channelOf(name);
    const key = keyOf(payload);
    for (const follower of followers) if (follower.channels.includes(channel)) follower.changed(channel, key);
  }

  function onProven(at: number): void {
    provenAt = at;
    for (const follower of followers) follower.proven(at);
  }

  function observe(event: Event): void {
    if (event.kind !== 'listener-lost' && event.kind !== 'database-unavailable' && event.kind !== 'retrying')
      return;
    if (event.kind !== 'listener-lost') for (const { reject } of waiting.splice(0)) reject(event.error);
    if (hasOutage) return;
    hasOutage = true;
    for (const follower of followers) follower.onOutage(event.error);
  }

  function restart(): void {
    stop.abort();
    session?.end(new Error('Cannot hear of changes: more channels are listened to'));
    stop = new AbortController();
    const { signal } = stop;
    running = running.then(() => run(signal));
  }

  async function current(follower: Follower): Promise<void> {
    for (;;) {
      if (!followers.has(follower)) throw closedError();
      const used = session ?? (await nextSession());
      try {
        return await used.prove();
      } catch (error) {
        // Lost meanwhile; the next one will prove it as well.
        if (!used.isOver) throw error;
      }
    }
  }

  function nextSession(): Promise<Session> {
    return new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
    });
  }

  return {
    follow(follower) {
      followers.add(follower);
      // It is empty: what it will have has been rendered after this, and every notification from now on reaches it.
      follower.proven(provenAt);
      const covered = [...follower.channels, ...follower.names].every((name) => listensTo.has(name));
      if (!covered || heartbeatMs() < beatsEachMs) restart();
      return {
        current: () => current(follower),
        async close() {
          if (!followers.delete(follower) || followers.size > 0) return;
          onEmpty();
          stop.abort();
          session?.end(closedError());
          for (const { reject } of waiting.splice(0)) reject(closedError());
          await running;
          await source.end();
        },
      };
    },
  };
}

function closedError(): Error {
  return new Error('Cannot hear of changes: the cache is closed');
}
