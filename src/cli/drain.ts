import { setTimeout as wait } from 'node:timers/promises';
import { type App, loadAll, openApp } from '../app.ts';
import { AdaptiveBatchSize } from '../clearing/batch-size.ts';
import { drainQueue } from '../clearing/drain-queue.ts';
import { Pipeline } from '../clearing/pipeline.ts';
import { recoverJournal } from '../clearing/recovery.ts';
import type { RootGuard } from '../clearing/root-guard.ts';
import { toError } from '../core/errors.ts';
import type { Event, Fact } from '../core/events.ts';
import { several } from '../core/plural.ts';
import { Loop } from '../daemon/loop.ts';
import { foldFailures } from '../observe/fold-failures.ts';
import { toLine } from '../observe/messages.ts';
import { complain, say } from './output.ts';
import { openProgress, type Progress } from './progress.ts';
import { aborted, within } from './serve.ts';
import { timeOption } from './time-option.ts';

/** After the time-out: for the current clearing, and then for closing. */
const closeWithinMs = 5_000;

/**
 * Clears and settles what is queued now. Returns 1 if something could not be cleared, or not in time: the
 * queue tables and the journal keep it. Also if another drain is running: an open transaction holds each one
 * up, and those started by cron would pile up.
 */
export async function drain(file: string, { timeout }: { timeout?: string }): Promise<number> {
  const limitMs = timeout === undefined ? undefined : timeOption('--timeout', timeout);
  const app = openApp(loadAll(file));
  const over = new AbortController();
  const timer = limitMs === undefined ? undefined : setTimeout(() => over.abort(), limitMs);
  try {
    await app.findPrimary();
    const lock = await app.lock('drain');
    try {
      if (lock.heldBy === undefined) return await drainWithin(app, over.signal, timeout);
      complain(
        `a drain of this database is already running (${lock.heldBy}) and clears what is queued: this one exits`,
      );
      return 1;
    } finally {
      await lock.release();
    }
  } finally {
    clearTimeout(timer);
    await within(closeWithinMs, app.close());
  }
}

interface Draining {
  readonly app: App;
  readonly pipeline: Pipeline;
  readonly progress: Progress;
  readonly tally: { claimed: number; entries: number; files: number; failed: number; invalid: number };
  /** Aborted when the time is over. */
  readonly signal: AbortSignal;
}

async function drainWithin(app: App, signal: AbortSignal, timeout: string | undefined): Promise<number> {
  // A table that is too large to count is not too large to drain.
  const progress = openProgress(await countAll(app).catch(() => 0), process.stderr);
  const tally = { claimed: 0, entries: 0, files: 0, failed: 0, invalid: 0 };
  const observeEach = (event: Event) => {
    const line = toLine(event);
    if (event.kind === 'cleared' || event.kind === 'clear-failed') tally.files += event.files;
    if (event.kind === 'cleared') tally.entries += event.entries;
    if (event.kind === 'batch-done') {
      tally.failed += event.failures.length;
      tally.invalid += event.invalid.filter(({ known }) => !known).length;
    }
    if (line.level === 'error' || event.kind === 'rows-invalid') progress.say(line.message);
  };
  // There is no later run of the loop to report it.
  const logFolded = foldFailures(observeEach, app.clock.now, 0);
  const observe = (event: Fact) => {
    // A problem of root ends the drain, which reports it then.
    if (event.kind !== 'loop-failed') logFolded(event);
  };
  const { settleMs } = app.configuration.cache;
  const { batch } = app.configuration.daemon;
  const { root, ...context } = app.context(observe);
  await look(root);
  // Root may disappear or be replaced in the middle: a drain does not wait for it.
  const guard = async () => {
    await look(root).catch((error) => root.end(toError(error)));
    return null;
  };
  const guarding = new Loop('root', guard, { ...context, wakeup: root.wakeup });
  const pipeline = new Pipeline(context, { settleMs, batch, lanes: false });

  const draining = { app, pipeline, progress, tally, signal };
  const work = drainAll(draining, batch);
  // What hangs, such as a mount whose server is gone, is left to the next one.
  const hung = aborted(signal).then(() => wait(closeWithinMs, undefined, { ref: false }));
  await Promise.race([work, hung]);
  progress.close();
  void guarding.stop();
  await within(closeWithinMs, root.leave());

  const { entries, files, failed, invalid } = tally;
  say(
    `cleared ${several(entries, 'entry', 'entries')}, deleted ${several(files, 'file')}${failed > 0 ? `, ${several(failed, 'row')} failing` : ''}`,
  );
  await reportInvalid(app);
  if (signal.aborted) await reportRemaining(draining, timeout);
  return failed > 0 || invalid > 0 || signal.aborted ? 1 : 0;
}

/** Including those of earlier runs: nothing else retries them. */
async function reportInvalid({ journal }: App): Promise<void> {
  const counts = await journal.counts().catch(() => []);
  const invalid = counts.reduce((sum, one) => sum + one.invalid, 0);
  if (invalid === 0) return;
  say(`${several(invalid, 'row is', 'rows are')} kept with an invalid key: see uncached failing list`);
}

/** A daemon waits for its root, and for a daemon with another root to end; a drain does not. */
async function look(root: RootGuard): Promise<void> {
  await root.step(0);
  if (root.problem) throw root.problem;
}

async function drainAll({ app, pipeline, progress, tally, signal }: Draining, batch: number): Promise<void> {
  const { settling } = pipeline;
  const recovery = recoverJournal(pipeline, { limit: batch });
  recovery.begin('all');
  while (!signal.aborted && (await recovery.step()) === 0);
  for (const [name, queue] of app.queues) {
    const handler = app.handlers.get(name);
    if (!handler || signal.aborted) continue;
    const onBatch = ({ entries }: { entries: number }) => {
      tally.claimed += entries;
      progress.at(tally.claimed, name);
    };
    await drainQueue(handler, queue, { pipeline, pace: new AdaptiveBatchSize(batch), onBatch, signal });
  }
  while (!signal.aborted) {
    const ms = await settling.step();
    if (ms === null) return;
    const { pending, held } = settling;
    progress.note(
      `settling ${several(pending, 'row')}${held > 0 ? `, ${held} held up by an open transaction` : ''}`,
    );
    await app.clock.wait(ms, signal).catch(() => {});
  }
}

async function reportRemaining({ app, pipeline }: Draining, timeout: string | undefined): Promise<void> {
  const queued = await countAll(app).catch(() => undefined);
  const { pending, held } = pipeline.settling;
  complain(
    `stopped after --timeout ${timeout}: ${queued === undefined ? 'an unknown number of entries is' : several(queued, 'entry is', 'entries are')} queued, ${several(pending, 'row is', 'rows are')} cleared once and not settled${
      held > 0 ? `, ${held} of them because of an open transaction (see pg_stat_activity)` : ''
    }. Nothing is lost: a daemon or the next drain continues with them`,
  );
}

async function countAll(app: App): Promise<number> {
  let total = 0;
  for (const queue of app.queues.values()) total += (await queue.backlog()).entries;
  return total;
}
