import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { explain, toError } from '../core/errors.ts';
import type { Event, Report } from '../core/events.ts';
import { several } from '../core/plural.ts';
import { clip, printable } from '../core/printable-text.ts';
import type { SystemdTimings } from '../core/reporting-timings.ts';
import { usualTimings } from '../core/timings.ts';
import { describeRefusal } from './reload-refusal.ts';

export interface Systemd {
  readonly observe: Report;
  /**
   * The watchdog is not fed while a worker is silent for longer than its time, and should have been given up
   * long ago.
   */
  monitorWorkers(clearing: { waitingMs(): number }): void;
}

/**
 * Reports the daemon's state to systemd (sd_notify(3)), by systemd-notify, since Node has no local datagram
 * sockets. Does nothing if NOTIFY_SOCKET is not set.
 *
 * - READY once it listens, or knows that it has to wait for PostgreSQL: otherwise `systemctl start` would
 *   wait as well, and the boot with it.
 * - WATCHDOG means progress, never a timer: a heartbeat arrived, or the daemon tried again to connect. A loop
 *   that spins reports nothing to systemd. A disk that does not answer is no reason to restart, as a new
 *   daemon would meet the same: its worker is given up.
 */
export function openSystemd(
  observe: Report,
  env = process.env,
  { givenUpMs, notifyMs }: SystemdTimings = usualTimings.reporting.systemd,
): Systemd {
  if (!env.NOTIFY_SOCKET) return { observe() {}, monitorWorkers() {} };
  // By the rules of sd_watchdog_enabled(3).
  const isMeant = [undefined, String(process.pid)].includes(env.WATCHDOG_PID);
  const watchdogMs = isMeant ? Number(env.WATCHDOG_USEC) / 1_000 : Number.NaN;
  const said = { entries: 0, files: 0 };
  let clearing = { waitingMs: () => 0 };
  let fedAt = Number.NEGATIVE_INFINITY;
  let failed = false;
  let last: Promise<unknown> = Promise.resolve();

  /** One after the other, in the order of the events. */
  function tell(...words: string[]): void {
    last = last
      .then(() =>
        promisify(execFile)('systemd-notify', [`--pid=${process.pid}`, ...words], { env, timeout: notifyMs }),
      )
      .catch((error) => {
        if (!failed) observe({ kind: 'systemd-notify-failed', error: toError(error) });
        failed = true;
      });
  }

  function progress(...words: string[]): void {
    // Three chances within its time; each costs a process.
    if (!(performance.now() - fedAt >= watchdogMs / 3)) return;
    if (clearing.waitingMs() > Math.max(watchdogMs, givenUpMs)) return;
    fedAt = performance.now();
    tell('WATCHDOG=1', ...words);
  }

  return {
    monitorWorkers(given) {
      clearing = given;
    },
    observe(event: Event) {
      switch (event.kind) {
        case 'listening':
          return tell('READY=1', `STATUS=listening to ${several(event.channels.length, 'channel')}`);
        case 'database-unavailable':
        case 'listener-lost':
          return tell('READY=1', `STATUS=no connection: ${printable(clip(explain(event.error)))}`);
        case 'reloading':
          // A monotonic clock distinguishes it from an earlier one (sd_notify(3), MONOTONIC_USEC).
          return tell(
            'RELOADING=1',
            `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`,
            `STATUS=${event.why}`,
          );
        case 'reload-refused':
          return tell(`STATUS=${describeRefusal(event)}: see the log`);
        case 'unexpected-error':
          return tell('STOPPING=1', 'STATUS=shutting down after an unexpected error: see the log');
        case 'stopping':
          return tell('STOPPING=1', 'STATUS=shutting down after the current batch');
        case 'cleared':
          said.entries += event.entries;
          said.files += event.files;
          return;
        case 'clear-failed':
          said.files += event.files;
          return;
        case 'heartbeat':
          return progress(
            `STATUS=listening; ${several(said.files, 'file')} deleted for ${several(said.entries, 'entry', 'entries')}`,
          );
        case 'retrying':
          return progress();
        default:
          return;
      }
    },
  };
}
