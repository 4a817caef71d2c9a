import type { Clock } from '../core/contracts.ts';
import type { Observe } from '../core/events.ts';
import type { Assessment, HandlerStatus, Status, Watched } from '../core/status.ts';
import { assess, usualThresholds } from './assess.ts';
import type { Countable } from './count.ts';
import { Counting } from './counting.ts';
import { openMetrics } from './metrics.ts';
import { Moments, momentMs } from './moments.ts';
import { Numbers } from './numbers.ts';

export interface Watch extends Watched {
  readonly observe: Observe;
  /** Counts these for the plots, and whenever somebody asks, until the signal aborts. */
  keepCounting(source: Countable, signal: AbortSignal): Promise<void>;
}

/** Keeps the numbers for as long as the daemon lives, over every reload: events folded, and the database counted. */
export function openWatch(version: string, clock: Clock, wall = Date.now): Watch {
  const numbers = new Numbers(clock.now, wall);
  const moments = new Moments();
  const metrics = openMetrics(version);
  const counting = new Counting(clock);
  const startedAt = wall();

  async function status(): Promise<Status> {
    await counting.fresh();
    const now = clock.now();
    const { last } = counting;
    const { heardAt, deaf, reconnects, clearings } = numbers;
    const counted = last?.handlers ?? [];
    return {
      version,
      startedAt,
      at: wall(),
      ...judge(counted),
      ...(deaf && { deaf: deaf.why }),
      heartbeatAgeMs: heardAt === undefined ? null : now - heardAt,
      reconnects,
      countedAgeMs: last ? now - last.at : null,
      handlers: counted.map((one) => ({ ...one, ...numbers.totals(one.handler) })),
      clearings: [...clearings],
      failing: last?.failing ?? [],
    };
  }

  /** Who does not hear or cannot count does not know the lag: it may be as long as that lasts. */
  function judge(counted: readonly HandlerStatus[]): Assessment {
    const { level, reasons } = assess(counted, usualThresholds);
    const { deaf } = numbers;
    const { last, error } = counting;
    const now = clock.now();
    const unknown = [
      ...(deaf ? [{ since: deaf.since, reason: `not listening: ${deaf.why}` }] : []),
      ...(error === undefined ? [] : [{ since: last?.at ?? 0, reason: `cannot count: ${error}` }]),
      ...(last || error !== undefined ? [] : [{ since: now, reason: 'nothing is counted yet' }]),
    ];
    if (unknown.length === 0) return { level, reasons };
    const long = unknown.some(({ since }) => now - since >= usualThresholds.criticalMs);
    return {
      level: long || level === 'critical' ? 'critical' : 'warning',
      reasons: [...unknown.map(({ reason }) => reason), ...reasons],
    };
  }

  return {
    status,
    metrics: async () => metrics.text(await status()),
    moments: (after) => moments.since(after),
    deaf: () => numbers.deaf?.why,
    observe(event) {
      numbers.observe(event);
      moments.observe(event);
      metrics.observe(event);
    },
    async keepCounting(source, signal) {
      counting.begin(source);
      metrics.know(source.handlers.keys());
      while (!signal.aborted) {
        await counting.fresh();
        const handlers = counting.error === undefined ? counting.last?.handlers : undefined;
        moments.end(wall(), handlers?.reduce((sum, { backlog }) => sum + backlog, 0) ?? null);
        await clock.wait(momentMs, signal).catch(() => {});
      }
      counting.end(source);
    },
  };
}
