import { setTimeout as wait } from 'node:timers/promises';
import { type App, openApp } from '../app.ts';
import type { RootGuard } from '../caches/files/root-guard.ts';
import { AdaptiveBatchSize } from '../clearing/batch-size.ts';
import type { Consumer } from '../clearing/consumer.ts';
import { drainQueue } from '../clearing/drain-queue.ts';
import { aborted } from '../core/aborted.ts';
import { toError } from '../core/errors.ts';
import type { Event, Fact } from '../core/events.ts';
import { several } from '../core/plural.ts';
import { Loop } from '../daemon/loop.ts';
import { loadAll } from '../load-all.ts';
import { foldFailures } from '../observe/fold-failures.ts';
import { toLine } from '../observe/messages.ts';
import type { OpenedCaches } from '../open-caches.ts';
import { complain, say } from './output.ts';
import { openProgress, type Progress } from './progress-line.ts';
import { within } from './serve.ts';
import { timeOption } from './time-option.ts';

/** After the time-out: for the current clearing, and then for closing. */
const closeWithinMs = 5_000;

/**
 * Clears and settles what is queued now. Returns 1 if something could not be cleared, or not in time: the
 * queue tables and the log keep it. Also if another drain is running: an open transaction holds each one
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
  readonly context: OpenedCaches;
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
    if (line.level === 'error' || ['rows-invalid', 'cache-wiped'].includes(event.kind))
      progress.say(line.message);
  };
  // There is no later run of the loop to report it.
  const logFolded = foldFailures(observeEach, app.clock.now, { ...app.timings.reporting.log, againMs: 0 });
  const observe = (event: Fact) => {
    // A problem of root ends the drain, which reports it then; so does a target that is down.
    if (event.kind !== 'loop-failed' && event.kind !== 'target-down') logFolded(event);
  };
  const context = app.context(observe);
  const { root, consumers } = context;
  await look(root);
  // Root may disappear or be replaced in the middle: a drain does not wait for it.
  const guard = async () => {
    await look(root).catch((error) => root.end(toError(error)));
    return null;
  };
  const guarding = new Loop('root', guard, { ...context, wakeup: root.wakeup });

  const draining = { app, context, progress, tally, signal };
  const work = drainAll(draining);
  // What hangs, such as a mount whose server is gone, is left to the next one.
  const hung = aborted(signal).then(() => wait(closeWithinMs, undefined, { ref: false }));
  await Promise.race([work, hung]);
  progress.close();
  void guarding.stop();
  await within(closeWithinMs, consumers.flush());
  // Where no daemon runs, nobody else does.
  await within(closeWithinMs, app.log.trim(app.configuration.daemon)).catch(() => {});
  await within(closeWithinMs, root.leave());
  await within(closeWithinMs, context.release());

  const { entries, files, failed, invalid } = tally;
  if (root.standsBy) return await reportElsewhere(draining, timeout);
  say(
    `cleared ${several(entries, 'entry', 'entries')}, deleted ${several(files, 'file')}${failed > 0 ? `, ${several(failed, 'row')} failing` : ''}`,
  );
  await reportInvalid(app);
  if (signal.aborted) await reportRemaining(draining, timeout);
  return failed > 0 || invalid > 0 || signal.aborted ? 1 : 0;
}

/** Including those of earlier runs: nothing else retries them. */
async function reportInvalid({ log }: App): Promise<void> {
  const counts = await log.counts().catch(() => []);
  const invalid = counts.reduce((sum, one) => sum + one.invalid, 0);
  if (invalid === 0) return;
  say(`${several(invalid, 'row is', 'rows are')} kept with an invalid key: see uncached failing list`);
}

/** A daemon waits for its root; a drain does not. */
async function look(root: RootGuard): Promise<void> {
  await root.step(0);
  if (root.problem) throw root.problem;
}

async function drainAll(draining: Draining): Promise<void> {
  await clearLeft(draining);
  await claimAll(draining);
  // A daemon with another root may have claimed before us, and this root needs that, too.
  await clearLeft(draining);
  await settleAll(draining);
}

/** What is in the log, and what failed: of earlier runs, and of others. */
async function clearLeft({ context, signal }: Draining): Promise<void> {
  for (const consumer of context.consumers.all) {
    await stepAll(consumer.reader, signal);
    await stepAll(consumer.retries, signal);
  }
}

async function stepAll(stage: Consumer['reader' | 'retries'], signal: AbortSignal): Promise<void> {
  stage.wakeup.take();
  while (!signal.aborted && (await stage.step()) === 0);
}

async function claimAll({ app, context, progress, tally, signal }: Draining): Promise<void> {
  for (const [name, queue] of app.queues) {
    const handler = app.handlers.get(name);
    if (!handler || signal.aborted) continue;
    const onBatch = ({ entries }: { entries: number }) => {
      tally.claimed += entries;
      progress.at(tally.claimed, name);
    };
    const pace = new AdaptiveBatchSize(app.configuration.daemon.batch, app.timings.claims);
    await drainQueue(handler, queue, { context, pace, onBatch, signal });
  }
}

async function settleAll(draining: Draining): Promise<void> {
  const { app, context, progress, signal } = draining;
  const { consumers, root } = context;
  while (!signal.aborted) {
    let nextMs = againMs;
    for (const consumer of consumers.all) {
      // The cache before it has cleared rows, or passed on what failed there.
      for (const stage of [consumer.reader, consumer.retries])
        if (stage.wakeup.asked) await stepAll(stage, signal);
      nextMs = Math.min(nextMs, (await consumer.settle()) ?? againMs);
    }
    const { rows, held } = consumers.pending;
    if (root.problem) throw root.problem;
    if (root.standsBy) {
      if (await settledElsewhere(draining)) return;
      await clearLeft(draining);
      continue;
    }
    if (!consumers.settles && consumers.isFollowing) return;
    progress.note(
      `settling ${several(rows, 'row')}${held > 0 ? `, ${held} held up by an open transaction` : ''}`,
    );
    await app.clock.wait(nextMs, signal).catch(() => {});
  }
}

/** A cache behind another waits for that one. */
const againMs = 1_000;

/**
 * While a daemon has this root, that clears what was claimed here. Returns false if there is none, or it is gone:
 * this drain has the root then.
 */
async function settledElsewhere({ app, context, progress, signal }: Draining): Promise<boolean> {
  const { root } = context;
  // Not until the whole fleet has settled it: a node may be away.
  const ids = context.ids();
  const { newest } = await app.log.ends(ids);
  for (let polls = 1; root.standsBy && !signal.aborted; polls += 1) {
    const { settledTo } = await app.log.ends(ids);
    if (settledTo >= newest) return true;
    progress.note('waiting for the daemon that clears this root');
    await app.clock.wait(pollMs, signal).catch(() => {});
    // Is it there yet?
    if (polls % pollsOfLook === 0) root.wakeup.wake();
  }
  return signal.aborted;
}

const pollMs = 250;
const pollsOfLook = 8;

/** Of what a daemon has cleared, the database tells what failed. */
async function reportElsewhere(
  { app, context, tally, signal }: Draining,
  timeout: string | undefined,
): Promise<number> {
  const { failing } = await app.log.ends(context.ids());
  say(
    `claimed ${several(tally.claimed, 'entry', 'entries')} for the daemon that clears this root${failing > 0 ? `, ${several(failing, 'row')} failing` : ''}`,
  );
  await reportInvalid(app);
  if (signal.aborted)
    complain(
      `stopped after --timeout ${timeout}: the daemon that clears this root has not settled them yet. Nothing is lost: it continues with them`,
    );
  return failing > 0 || signal.aborted ? 1 : 0;
}

async function reportRemaining({ app, context }: Draining, timeout: string | undefined): Promise<void> {
  const queued = await countAll(app).catch(() => undefined);
  const { rows, held } = context.consumers.pending;
  complain(
    `stopped after --timeout ${timeout}: ${queued === undefined ? 'an unknown number of entries is' : several(queued, 'entry is', 'entries are')} queued, ${several(rows, 'row is', 'rows are')} cleared once and not settled${
      held > 0 ? `, ${held} of them because of an open transaction (see pg_stat_activity)` : ''
    }. Nothing is lost: a daemon or the next drain continues with them`,
  );
}

async function countAll(app: App): Promise<number> {
  let total = 0;
  for (const queue of app.queues.values()) total += (await queue.backlog()).entries;
  return total;
}
