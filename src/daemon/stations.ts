import type { Pipeline } from '../clearing/pipeline.ts';
import { type JournalRecovery, recoverJournal, retryDue } from '../clearing/recovery.ts';
import { Loop, type Work } from './loop.ts';

export interface Stations {
  readonly recovery: JournalRecovery;
  /** An error of this work makes the journal be read: it may have claimed rows and not cleared them. */
  readonly recovering: (work: Work) => Work;
  readonly loops: readonly Loop[];
}

/**
 * Starts a loop for each stage at which rows of the journal wait: recovery, retries, settling, and each lane.
 */
export function startStations(pipeline: Pipeline, { limit }: { limit: number }): Stations {
  const { context, settling } = pipeline;
  const recovery = recoverJournal(pipeline, { limit });
  const recovering =
    (work: Work): Work =>
    (signal) =>
      work(signal).catch((error) => {
        recovery.begin('not-waiting');
        throw error;
      });
  const loops = [
    new Loop('journal', () => recovery.step(), { ...context, wakeup: recovery.wakeup }),
    new Loop('failing', recovering(retryDue(pipeline, { limit })), { ...context, wakeup: context.retries }),
    new Loop('settle', () => settling.step(), { ...context, wakeup: settling.wakeup }),
    ...Array.from(
      context.lanes,
      ([name, lane]) => new Loop(`${name}, again`, () => lane.step(), { ...context, wakeup: lane.wakeup }),
    ),
  ];
  return { recovery, recovering, loops };
}
