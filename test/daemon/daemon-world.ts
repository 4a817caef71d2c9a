import { expect, vi } from 'vitest';
import { readHandlers } from '../../src/cache-kinds.ts';
import { ClaimsUnderWay } from '../../src/clearing/claims-under-way.ts';
import { LocalConsumers } from '../../src/clearing/local-consumers.ts';
import type { LastSeen, Log } from '../../src/core/consumer-contract.ts';
import type { ChannelBinding, Claim, Clock, Queue } from '../../src/core/contracts.ts';
import { usualTimings } from '../../src/core/timings.ts';
import { Wakeup } from '../../src/core/wakeup.ts';
import { type Daemon, startDaemon } from '../../src/daemon/daemon.ts';
import { FakeCache, filesSteps } from '../clearing/fake-cache.ts';
import { LogWorld } from '../clearing/log-world.ts';

const settings = [
  { name: 'page', queue: 'q', clear: ['{id}'], followers: ['news'] },
  { name: 'news', clear: ['news'], followers: [] },
];

export const channels = [
  { channel: 'changed', handler: 'page' },
  { channel: 'news_changed', handler: 'news' },
];

/** Between claims that find nothing. */
const longestCooldownMs = usualTimings.claims.cooldown.mostMs;

export const sweepMs = 600_000;
export const pollMs = 700_000;
const heartbeatMs = 800_000;

/** The daemon with fakes for all its surroundings. Nearly no time passes: each event has a cause. */
export class DaemonWorld {
  happened: string[] = [];
  /** Keys of the entries of the queue table. */
  entries: string[] = [];
  claimFails = false;
  isFirst = true;
  becameFirst = false;
  listens = true;
  /** Listeners that are not closed. */
  listeners = 0;
  /** Waits that have not ended. */
  waiting = 0;
  seen: LastSeen[] = [];
  channels: ChannelBinding[] = channels;
  notify: (channel: string, payload?: string) => void = () => {};
  lose: (error: Error) => void = () => {};
  /** Called when the daemon listens. */
  onListen: () => unknown = () => {};
  /** Ends the wait of so many milliseconds. */
  readonly #waits = new Map<number, () => void>();
  /** What the next look at root rejects with. */
  rootFails: Error | undefined;
  /** Why root is not used. */
  rootProblem: Error | undefined;
  /** Loops that failed or work again. */
  readonly loops: string[] = [];
  readonly rootWakeup = new Wakeup();
  readonly log = new LogWorld();
  readonly cache = new FakeCache(filesSteps(settings));
  readonly claims = new ClaimsUnderWay();
  readonly clock: Clock = {
    now: () => this.log.now,
    wait: (ms, signal) => {
      this.waiting += 1;
      return new Promise<void>((resolve, reject) => {
        this.#waits.set(ms, resolve);
        if (ms <= longestCooldownMs) resolve();
        if (signal.aborted) reject(new Error('aborted'));
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      }).finally(() => {
        this.waiting -= 1;
      });
    },
  };
  readonly consumers = new LocalConsumers([
    this.log.follow(this.cache, { claims: this.claims, clock: this.clock, settleMs: 0 }),
  ]);

  constructor() {
    this.log.calls.push = (...calls) => this.happened.push(...calls);
    const clear = this.cache.clear.bind(this.cache);
    this.cache.clear = async (works, how) => {
      const result = await clear(works, how);
      this.happened.push(...this.cache.cleared().map((what) => `clear ${what}`));
      return result;
    };
  }

  start(): Daemon {
    const world = this;
    const { handlers } = readHandlers(settings);
    const say =
      <Result>(what: string, result: Result) =>
      async () => {
        this.happened.push(what);
        return result;
      };
    const log: Partial<Log> = {
      record: async (handler) => {
        this.happened.push(`record ${handler}`);
        return this.log.append(handler, '')[0] ?? expect.fail('no row');
      },
      lastSeen: async () => this.seen,
      expire: async (gone) => void this.happened.push(`expire ${gone.map(({ id }) => id)}`),
      trim: say('trim', undefined),
    };
    return startDaemon({
      handlers,
      log: log as Log,
      consumers: this.consumers,
      claims: this.claims,
      claimsAtOnce: () => this.isFirst,
      observe: (fact) => {
        if ('loop' in fact) this.loops.push(`${fact.kind} ${fact.loop}`);
      },
      timings: usualTimings,
      clock: this.clock,
      queues: new Map([['page', this.#queue]]),
      channels: this.channels,
      readChannels: async () => {
        this.happened.push('read channels');
        return this.channels;
      },
      onChannelsChanged: () => this.happened.push('channels changed'),
      hints: true,
      listen: async (onNotification) => {
        this.notify = (channel, payload = '') => onNotification(channel, payload);
        await this.onListen();
        this.listeners += 1;
        return {
          lost: new Promise((resolve) => {
            this.lose = resolve;
          }),
          heartbeat: async () => {},
          close: () => {
            this.listeners -= 1;
          },
        };
      },
      root: {
        wakeup: this.rootWakeup,
        inspected: Promise.resolve(),
        get problem() {
          return world.rootProblem;
        },
        step: async () => {
          const error = this.rootFails;
          this.rootFails = undefined;
          this.happened.push('look at root');
          if (error) throw error;
          return Number.POSITIVE_INFINITY;
        },
        rejoin: () => void this.happened.push('rejoin'),
        end: () => void this.happened.push('end of root'),
        leave: say('leave root', undefined),
      },
      report: async () => {
        this.happened.push('report');
        return { becameFirst: this.becameFirst };
      },
      release: say('release', undefined),
      sweepMs,
      pollMs,
      listens: this.listens,
      heartbeatMs,
      batch: 10,
      expireMs: 5_000,
      keepMs: 1_000,
    });
  }

  /** Ends every wait for this time. */
  pass(ms: number): void {
    this.#waits.get(ms)?.();
  }

  /** Ends every wait after an error. */
  retry(): void {
    for (const [ms, end] of this.#waits) if (ms <= usualTimings.backoff.mostMs) end();
  }

  until(...all: string[]): Promise<void> {
    return vi.waitFor(() => expect(this.happened).toEqual(expect.arrayContaining(all)), { timeout: 30_000 });
  }

  readonly #queue: Queue = {
    claim: async (): Promise<Claim> => {
      this.happened.push('claim');
      if (this.claimFails) throw new Error('cut');
      const keys = this.entries.splice(0);
      const rows = keys.length > 0 ? this.log.append('page', ...keys) : [];
      return { entries: rows.length, rows, last: null, lagMs: null, remains: false };
    },
    backlog: async () => ({ entries: 0, lagMs: null, ofUnknownAge: 0 }),
  };
}
