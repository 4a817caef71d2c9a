import type { App } from '../app.ts';
import { purge } from '../caches/purge/purge-steps.ts';
import { aborted, childOf } from '../core/aborted.ts';
import { backoffMs } from '../core/backoff.ts';
import type { ChannelBinding } from '../core/contracts.ts';
import { explain, toError } from '../core/errors.ts';
import type { Observe, Report } from '../core/events.ts';
import { startDaemon } from '../daemon/daemon.ts';
import { foldFailures } from '../observe/fold-failures.ts';
import { foldOutages } from '../observe/fold-outages.ts';
import { foldTargets } from '../observe/fold-targets.ts';
import type { Monitor } from '../observe/monitor.ts';
import { keepReporting } from '../observe/report-loop.ts';
import type { Systemd } from '../observe/systemd.ts';
import { isPermanent } from '../postgres/advice.ts';

export interface Observers {
  readonly observe: Report;
  readonly watch: Monitor;
  readonly systemd: Systemd;
}

interface Serving extends Observers {
  /** `listen_for` as it was last read; absent before the first time. */
  readonly channels: readonly ChannelBinding[] | undefined;
  readonly onChannelsChanged: (now: ChannelBinding[]) => void;
  readonly signal: AbortSignal;
  /** Aborted for good, not for a change. */
  readonly stop: AbortSignal;
}

/**
 * Serves with one configuration and one `listen_for`, until the signal aborts; meanwhile it reports problems
 * to the database.
 */
export async function serve(app: App, serving: Serving): Promise<void> {
  const { watch, signal } = serving;
  const timings = app.timings.stop;
  const daemons = app.daemons(serving.observe);
  const served = childOf(signal);
  const reporting = keepReporting({
    watch,
    daemons,
    clock: app.clock,
    timings: app.timings.reporting.report,
    againMs: app.configuration.daemon.heartbeatMs,
    signal: served.signal,
  });
  const finalReport = async (word: () => Promise<void>) => {
    served.abort();
    // If the database is gone the report fails, which ends nothing and hides no other error.
    await within(timings.reportMs, reporting.then(word)).catch(() => {});
  };
  try {
    await serveReported(app, serving);
  } catch (error) {
    const text = `fatal error: ${explain(toError(error))}`;
    const problems = [{ level: 'critical', kind: 'daemon', text }] as const;
    await finalReport(() => daemons.report(problems, { silentMs: timings.goneMs }));
    throw error;
  }
  await finalReport(daemons.leave);
}

async function serveReported(app: App, serving: Serving): Promise<void> {
  const { observe, watch, systemd, signal, stop } = serving;
  app.cache.start();
  systemd.monitorWorkers(app.cache);
  const channels = serving.channels ?? (await waitForChannels(app, observe, signal));
  if (channels === undefined) return;
  watch.keepCounting(app, signal, observe);
  const { now } = app.clock;
  const log = foldFailures(
    foldOutages(foldTargets(observe, rowsBehind(app)), now),
    now,
    app.timings.reporting.log,
  );
  const context = app.context((fact) => {
    // Afterwards it is no problem of what takes the place of this, and nothing would tell its end.
    if (!signal.aborted) watch.notice(fact);
    log(fact);
  });
  const { log: _, ...limits } = app.configuration.daemon;
  const daemon = startDaemon({
    ...context,
    handlers: app.handlers,
    queues: app.queues,
    disabled: app.disabled,
    channels,
    readChannels: app.channels,
    onChannelsChanged(now) {
      observe({ kind: 'reloading', why: 'listen_for has changed' });
      serving.onChannelsChanged(now);
    },
    listen: app.listenTo(channels),
    ...limits,
  });
  try {
    await aborted(signal);
  } finally {
    app.cache.hurry(true);
    await within(app.timings.stop.batchMs, daemon.stop({ leaving: stop.aborted }));
    app.cache.hurry(false);
  }
}

/** The rows that a target of this daemon has not acknowledged for good. */
function rowsBehind({ log, owner }: App) {
  return async (target: string): Promise<number | undefined> => {
    const all = await log.consumers();
    const own = all.find((one) => one.owner === owner && one.kind === purge && one.name === target);
    return own && Math.max(own.behind, own.unsettled);
  };
}

/**
 * At boot PostgreSQL may start after the daemon, so only an error that waiting does not fix ends it.
 * Undefined when stopped.
 */
async function waitForChannels(
  app: App,
  observe: Observe,
  signal: AbortSignal,
): Promise<ChannelBinding[] | undefined> {
  let lastLogged = '';
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      await app.findPrimary();
      return await app.channels();
    } catch (thrown) {
      const error = toError(thrown);
      if (isPermanent(error)) throw error;
      const retryMs = backoffMs(attempt, app.timings.backoff);
      observe({ kind: lastLogged === explain(error) ? 'retrying' : 'database-unavailable', error, retryMs });
      lastLogged = explain(error);
      await app.clock.wait(retryMs, signal).catch(() => {});
    }
  }
  return undefined;
}

/** Resolves when the work is done or the time is over. Later errors are ignored. */
export async function within(ms: number, work: Promise<unknown>): Promise<void> {
  work.catch(() => {});
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}
