import { hostname } from 'node:os';
import { type App, openApp } from '../app.ts';
import { commandRunner } from '../caches/command/command.ts';
import { aborted, childOf } from '../core/aborted.ts';
import type { LogFormat } from '../core/configuration.ts';
import type { ChannelBinding } from '../core/contracts.ts';
import type { DaemonIdentity } from '../core/daemon-status.ts';
import { toError, UsageError } from '../core/errors.ts';
import type { Event } from '../core/events.ts';
import { usualTimings } from '../core/timings.ts';
import { version } from '../core/version.ts';
import { systemClock } from '../daemon/system-clock.ts';
import { type HttpServer, openServer } from '../http/server.ts';
import { loadAll } from '../load-all.ts';
import { openEventLog } from '../observe/event-log.ts';
import { openMonitor } from '../observe/monitor.ts';
import { openSystemd } from '../observe/systemd.ts';
import { logNotices, Reload, type TriedConfiguration } from './reload.ts';
import { type Observers, serve, within } from './serve.ts';
import { keepHeapSmall } from './small-heap.ts';

const { batchMs, closeMs } = usualTimings.stop;

/** The daemon, until SIGTERM or SIGINT. SIGHUP reads the configuration again. */
export async function run(file: string, { logFormat }: { logFormat: LogFormat }): Promise<number> {
  keepHeapSmall();
  const loaded = loadAll(file);
  const effective = { log: loaded.configuration.daemon.log };
  const log = openEventLog(logFormat, () => effective.log);
  const watch = openMonitor(version, systemClock);
  const systemd = openSystemd(log);
  const observe = (event: Event) => {
    log(event);
    watch.observe(event);
    systemd.observe(event);
  };
  const server = openServer({ watched: watch, observe, clock: systemClock });
  observe({ kind: 'starting', version, file, pid: process.pid, root: loaded.configuration.cache.root });
  logNotices(loaded, observe);

  const stop = new AbortController();
  let exitCode = 0;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      observe({ kind: 'stopping', signal });
      stop.abort();
    });
  }
  // Also a promise that nobody awaits. The state is unknown, and the log has everything: a supervisor
  // restarts the daemon.
  process.on('uncaughtException', (thrown) => {
    observe({ kind: 'unexpected-error', error: toError(thrown) });
    exitCode = 1;
    stop.abort();
  });

  const serving = serveAll(loaded, { file, server, effective, stop: stop.signal, observe, watch, systemd });
  const late = aborted(stop.signal).then(() => within(batchMs + closeMs, new Promise(() => {})));
  try {
    await Promise.race([serving, late]);
  } catch (error) {
    observe({ kind: 'fatal-error', error: toError(error) });
    exitCode = error instanceof UsageError ? 2 : 1;
  } finally {
    await within(closeMs, server.close());
  }
  if (stop.signal.aborted) observe({ kind: 'stopped' });
  return exitCode;
}

function identityOf({ configuration, database }: App): () => DaemonIdentity {
  const { file, cache } = configuration;
  return () => ({
    host: hostname(),
    pid: process.pid,
    configurationFile: file,
    root: cache.root,
    database: database(),
  });
}

interface Parts extends Observers {
  readonly file: string;
  readonly server: HttpServer;
  /** What the log's format depends on. */
  readonly effective: { log: ReturnType<typeof loadAll>['configuration']['daemon']['log'] };
  readonly stop: AbortSignal;
}

/** Serves with one configuration after the other. A change of `listen_for` keeps the connections. */
async function serveAll(loaded: ReturnType<typeof loadAll>, parts: Parts): Promise<void> {
  const { file, server, effective, stop, observe, watch } = parts;
  // One for all configurations: a command that an old one has started must not run at the same time as one of
  // the new.
  const run = commandRunner();
  let change = new AbortController();
  let next: Partial<TriedConfiguration> = {};
  const reload = new Reload({
    file,
    run,
    observe,
    clock: systemClock,
    onTried(tried) {
      // It was tried and never used: SIGHUP came again while the old one finished its batches.
      next.app?.close().catch(() => {});
      next = tried;
      change.abort();
    },
  });
  process.on('SIGHUP', () => reload.ask());

  let app = openApp(loaded, { run });
  let channels: readonly ChannelBinding[] | undefined;
  while (!stop.aborted) {
    change = childOf(stop);
    effective.log = app.configuration.daemon.log;
    watch.identify(identityOf(app));
    const { listen } = app.configuration.http;
    if (listen) await watch.expose();
    await server.listenAt(listen);
    await serve(app, {
      ...parts,
      channels,
      onChannelsChanged(now) {
        next = { channels: now, ...next };
        change.abort();
      },
      signal: change.signal,
    });
    if (stop.aborted || next.app) await within(closeMs, app.close());
    app = next.app ?? app;
    channels = next.channels ?? channels;
    next = {};
  }
  reload.stop();
}
