import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { explain, toError } from '../core/errors.ts';
import type { Event, Observe } from '../core/events.ts';

export interface Systemd {
  readonly observe: Observe;
  /** The watchdog is not fed while the clearing at hand takes longer than its time. */
  mind(clearing: { waitingMs(): number }): void;
}

/**
 * Tells systemd how the daemon is (sd_notify(3)), by systemd-notify, since Node has no datagram sockets of the local kind. Does nothing
 * where nobody asked: NOTIFY_SOCKET is not set.
 *
 * - READY once it listens, or knows that it has to wait for PostgreSQL: else `systemctl start` would wait as well, and boot with it.
 * - WATCHDOG is progress that was made, never a timer: the daemon heard itself, or tried again to connect, and no clearing hangs. Of a
 *   half-dead disk or a loop that spins, systemd hears nothing.
 */
export function openSystemd(observe: Observe, env = process.env): Systemd {
  if (!env.NOTIFY_SOCKET) return { observe() {}, mind() {} };
  // As sd_watchdog_enabled(3) has it.
  const isMeant = [undefined, String(process.pid)].includes(env.WATCHDOG_PID);
  const watchdogMs = isMeant ? Number(env.WATCHDOG_USEC) / 1_000 : Number.NaN;
  const said = { entries: 0, files: 0 };
  let clearing = { waitingMs: () => 0 };
  let fedAt = Number.NEGATIVE_INFINITY;
  let failed = false;
  let last: Promise<unknown> = Promise.resolve();

  /** One after the other, in the order of what happened. */
  function tell(...words: string[]): void {
    last = last
      .then(() =>
        promisify(execFile)('systemd-notify', [`--pid=${process.pid}`, ...words], { env, timeout: 5_000 }),
      )
      .catch((error) => {
        if (!failed) observe({ kind: 'systemd-unheard', error: toError(error) });
        failed = true;
      });
  }

  function progress(...words: string[]): void {
    // Three chances within its time; each costs a process.
    if (!(performance.now() - fedAt >= watchdogMs / 3) || clearing.waitingMs() > watchdogMs) return;
    fedAt = performance.now();
    tell('WATCHDOG=1', ...words);
  }

  return {
    mind(given) {
      clearing = given;
    },
    observe(event: Event) {
      switch (event.kind) {
        case 'listening':
          return tell('READY=1', `STATUS=listening to ${event.channels.length} channels`);
        case 'connecting':
        case 'listener-lost':
          return tell('READY=1', `STATUS=no connection: ${explain(event.error).replaceAll('\n', ' ')}`);
        case 'reloading':
          // A monotonic clock tells it apart from an earlier one (sd_notify(3), MONOTONIC_USEC).
          return tell(
            'RELOADING=1',
            `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`,
            `STATUS=${event.why}`,
          );
        case 'reload-refused':
          return tell('STATUS=the configuration has problems, so the old one stays: see the log');
        case 'stopping':
          return tell('STOPPING=1', 'STATUS=finishing the batches at hand');
        case 'cleared':
          said.entries += event.entries;
          said.files += event.files;
          return;
        case 'heartbeat':
          return progress(`STATUS=listening; ${said.files} files deleted for ${said.entries} entries`);
        case 'trying':
          return progress();
        default:
          return;
      }
    },
  };
}
