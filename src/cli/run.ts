import { type App, loadAll, openApp, systemClock } from '../app.ts';
import type { Loaded } from '../config/load.ts';
import { backoffMs } from '../core/backoff.ts';
import type { Listened } from '../core/contracts.ts';
import { explain, toError, UsageError } from '../core/errors.ts';
import type { Event, Observe } from '../core/events.ts';
import { startDaemon } from '../daemon/daemon.ts';
import { openServer } from '../http/server.ts';
import { type LogFormat, openLog } from '../observe/log.ts';
import { openSystemd, type Systemd } from '../observe/systemd.ts';
import { openWatch, type Watch } from '../observe/watch.ts';
import { isPermanent } from '../postgres/advice.ts';
import { version } from './version.ts';

/** A batch that hangs longer than this is left to the journal: the next start clears it again. */
const stopWithinMs = 10_000;

/** The daemon, until SIGTERM or SIGINT. SIGHUP reads the configuration and listen_for again. */
export async function run(file: string, { logFormat }: { logFormat: LogFormat }): Promise<number> {
  let loaded = loadAll(file);
  const log = openLog(logFormat, () => loaded.configuration.daemon.log);
  const watch = openWatch(version, systemClock);
  const systemd = openSystemd(log);
  const observe = (event: Event) => {
    log(event);
    watch.observe(event);
    systemd.observe(event);
  };
  const server = openServer({ watched: watch, observe, clock: systemClock });
  observe({ kind: 'starting', version, file, pid: process.pid, root: loaded.configuration.cache.root });
  tellNotices(loaded, observe);

  const stop = new AbortController();
  let reload = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      observe({ kind: 'stopping', signal });
      stop.abort();
    });
  }
  process.on('SIGHUP', () => {
    const next = loadAgain(file, observe);
    if (next === undefined) return;
    loaded = next;
    reload.abort();
  });

  try {
    while (!stop.signal.aborted) {
      reload = new AbortController();
      await server.moveTo(loaded.configuration.http.listen);
      await serve(loaded, { observe, watch, systemd }, { stop: stop.signal, reload });
    }
  } catch (error) {
    observe({ kind: 'gave-up', error: toError(error) });
    return 1;
  } finally {
    await server.close();
  }
  observe({ kind: 'stopped' });
  return 0;
}

/** Undefined if the file has problems: all of them are told, and what is in effect stays. */
function loadAgain(file: string, observe: Observe): ReturnType<typeof loadAll> | undefined {
  try {
    const loaded = loadAll(file);
    observe({ kind: 'reloading', why: 'SIGHUP' });
    tellNotices(loaded, observe);
    return loaded;
  } catch (thrown) {
    const problems = thrown instanceof UsageError ? thrown.problems : [explain(toError(thrown))];
    observe({ kind: 'reload-refused', problems });
    return undefined;
  }
}

function tellNotices({ notices }: Loaded, observe: Observe): void {
  for (const text of notices) observe({ kind: 'notice', text });
}

/** Serves with one configuration and one listen_for, until either changes or the daemon is to stop. */
async function serve(
  loaded: ReturnType<typeof loadAll>,
  { observe, watch, systemd }: { observe: Observe; watch: Watch; systemd: Systemd },
  { stop, reload }: { stop: AbortSignal; reload: AbortController },
): Promise<void> {
  const app = openApp(loaded);
  app.cache.start();
  systemd.mind(app.cache);
  const end = AbortSignal.any([stop, reload.signal]);
  const channels = await readChannelsPatiently(app, observe, end);
  if (channels === undefined) return app.close();
  const { cache, daemon, http } = app.configuration;
  if (http.listen) watch.keepCounting(app, end);
  const running = startDaemon({
    ...app.means(observe),
    queues: app.queues,
    disabled: app.disabled,
    channels,
    readChannels: app.channels,
    onChannelsChanged() {
      observe({ kind: 'reloading', why: 'listen_for has changed' });
      reload.abort();
    },
    listen: app.listenTo(channels),
    revival: app.revival,
    settleMs: cache.settleMs,
    sweepMs: daemon.sweepMs,
    heartbeatMs: daemon.heartbeatMs,
    batch: daemon.batch,
  });
  await aborted(end);
  const stopped = running.stop().then(() => app.close());
  await Promise.race([stopped, app.clock.wait(stopWithinMs, new AbortController().signal)]);
}

/** At boot PostgreSQL may come up after us, so that only what waiting cannot mend ends the daemon. Undefined when stopped. */
async function readChannelsPatiently(
  app: App,
  observe: Observe,
  signal: AbortSignal,
): Promise<Listened[] | undefined> {
  let told = '';
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      await app.findPrimary();
      return await app.channels();
    } catch (thrown) {
      const error = toError(thrown);
      if (isPermanent(error)) throw error;
      const retryMs = backoffMs(attempt);
      observe({ kind: told === explain(error) ? 'trying' : 'connecting', error, retryMs });
      told = explain(error);
      await app.clock.wait(retryMs, signal).catch(() => {});
    }
  }
  return undefined;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
}
