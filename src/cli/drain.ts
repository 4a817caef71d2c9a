import { type App, loadAll, openApp } from '../app.ts';
import { fromJournal } from '../clearing/again.ts';
import { drain as drainQueue } from '../clearing/drain.ts';
import { Pace } from '../clearing/pace.ts';
import { Settling, settledAtOnce } from '../clearing/settling.ts';
import type { Event } from '../core/events.ts';
import { tellFailuresOnce } from '../daemon/failures.ts';
import { toLine } from '../observe/wording.ts';
import { openProgress, type Progress } from './progress.ts';

/** Clears and settles what is queued now. Returns 1 if something could not be cleared; the journal keeps it. */
export async function drain(file: string): Promise<number> {
  const app = openApp(loadAll(file));
  try {
    await app.findPrimary();
    return await drainAll(app);
  } finally {
    await app.close();
  }
}

async function drainAll(app: App): Promise<number> {
  const progress = openProgress(await countAll(app), process.stderr);
  const tally = { entries: 0, files: 0, failed: 0 };
  const say = (event: Event) => {
    const line = toLine(event);
    if (event.kind === 'cleared') tally.files += event.files;
    if (event.kind === 'tried') tally.failed += event.failures.length;
    if (line.level === 'error') progress.say(`uncached: ${line.message}`);
  };
  // There is no later to tell it.
  const observe = tellFailuresOnce(say, app.clock.now, 0);
  const { settleMs } = app.configuration.cache;
  const limit = app.configuration.daemon.batch;
  const means = { ...app.means(observe), onFailed: () => {} };
  const settling = new Settling(means, { settleMs, limit: settledAtOnce(limit) });

  const again = fromJournal(means, { limit, onCleared: (ids) => settling.add(ids) });
  again.begin('all');
  while ((await again.step()) === 0);
  for (const [name, queue] of app.queues) {
    const handler = app.handlers.get(name);
    if (!handler) continue;
    const onCleared = ({ cleared, entries }: { cleared: readonly number[]; entries: number }) => {
      settling.add(cleared);
      tally.entries += entries;
      progress.at(tally.entries, name);
    };
    await drainQueue(handler, queue, {
      ...means,
      pace: new Pace(limit),
      onCleared,
      signal: new AbortController().signal,
    });
  }
  await settleAll(app, settling, progress);
  progress.close();

  const { entries, files, failed } = tally;
  process.stdout.write(
    `cleared ${entries} entries, deleted ${files} files${failed > 0 ? `, ${failed} rows failing` : ''}\n`,
  );
  return failed > 0 ? 1 : 0;
}

async function settleAll(app: App, settling: Settling, progress: Progress): Promise<void> {
  for (;;) {
    const ms = await settling.step();
    if (ms === null) return;
    progress.note(`settling ${settling.pending} rows`);
    await app.clock.wait(ms, new AbortController().signal);
  }
}

async function countAll(app: App): Promise<number> {
  let total = 0;
  for (const queue of app.queues.values()) total += (await queue.backlog()).entries;
  return total;
}
