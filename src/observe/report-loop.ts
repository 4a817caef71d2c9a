import { childOf } from '../core/aborted.ts';
import type { Clock } from '../core/contracts.ts';
import type { DaemonRegistry } from '../core/daemon-registry.ts';
import type { ReportTimings } from '../core/reporting-timings.ts';
import type { Monitor } from './monitor.ts';

interface Parts {
  readonly watch: Pick<Monitor, 'problems' | 'changed' | 'lasting'>;
  readonly daemons: Pick<DaemonRegistry, 'report'>;
  readonly clock: Clock;
  readonly timings: ReportTimings;
  /**
   * A report is written again after this time, although nothing has changed: a daemon that reports nothing
   * counts as hanging.
   */
  readonly againMs: number;
  readonly signal: AbortSignal;
}

/**
 * Reports the problems whenever they change, until the signal aborts. While the database cannot be reached,
 * nobody could read a report there.
 */
export async function keepReporting(parts: Parts): Promise<void> {
  const { watch, daemons, clock, againMs, signal } = parts;
  const { soonMs, laterMs } = parts.timings;
  let reported: string | undefined;
  let dueAt = clock.now();
  while (!signal.aborted) {
    const lookedAt = clock.now();
    const now = watch.problems();
    const changed = watch.changed();
    const text = JSON.stringify(now);
    if (text !== reported || lookedAt >= dueAt) {
      reported = undefined;
      await daemons.report(now).then(
        () => {
          reported = text;
        },
        () => {},
      );
      dueAt = clock.now() + againMs;
    }
    const restless = reported === undefined || watch.lasting();
    const awake = childOf(signal);
    const over = pause(restless ? laterMs : dueAt - clock.now(), awake.signal);
    await Promise.race([changed, over]);
    awake.abort();
    await pause(lookedAt + soonMs - clock.now(), signal);
  }

  async function pause(ms: number, signal: AbortSignal): Promise<void> {
    if (ms > 0) await clock.wait(ms, signal).catch(() => {});
  }
}
