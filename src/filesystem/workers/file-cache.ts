import { resolve } from 'node:path';
import type { DeletionResult, PageFiles } from '../../core/page-files.ts';
import { usualTimings, type WorkerTimings } from '../../core/timings.ts';
import type { Confines } from '../walk/directory.ts';
import { Quarantine } from './quarantine.ts';
import { startWorkerProcess } from './start-worker.ts';
import { Stalled, Worker } from './worker.ts';
import { WorkerPool } from './worker-pool.ts';
import type { AnswerTo, ClearRequest, Request } from './worker-request.ts';

export interface FileCache extends PageFiles {
  /**
   * Starts a worker before the first request: a child takes 50 ms, and the first event would wait for it. A
   * second one starts when that one is busy.
   */
  start(): void;
  /** The directories below root that do not answer. */
  readonly silent: Pick<Quarantine, 'suspended' | 'suspend'>;
  /** Passes any work (worker-request.ts) to the next free worker. */
  ask<Asked extends Request>(request: Asked): Promise<AnswerTo<Asked>>;
  /** The daemon is about to stop: from now on a worker that does not answer is given up sooner. */
  hurry(hurried: boolean): void;
  /** How long a busy worker has been silent. */
  waitingMs(): number;
}

/** Two clear nearly twice as fast as one, in memory and on disk. */
const workerCount = 2;

/** Patterns cleared at a time, in some 5 ms. */
const partSize = 250;

/** If a listing had more names than this for each pattern, the next part is twice as large. */
const listedApiece = 40;
const largestPart = 16_000;

interface CacheOptions extends Partial<WorkerTimings> {
  /** Whether to return the paths that were deleted. */
  readonly listing?: boolean;
}

/**
 * The cache below `root`. A request is cleared in parts, by as many workers as are free, and requests take
 * turns: a single event does not wait for the end of a large backlog.
 */
export function openCache(
  root: string,
  start = startWorkerProcess,
  { listing = false, fronts, identities, ...given }: Confines & CacheOptions = {},
): FileCache {
  const timings = { ...usualTimings.worker, ...given };
  const { patienceMs, startMs, hurriedMs } = timings;
  const confines: Confines = { ...(fronts && { fronts }), ...(identities && { identities }) };
  let hurried = false;
  let closed = false;
  const startUnlessClosed: typeof start = (path, events) => {
    if (!closed) return start(path, events);
    queueMicrotask(() => events.ended(new Error('Cannot clear: the cache was closed')));
    return { post() {}, end: async () => {} };
  };
  const patience = (isUp: boolean) => {
    if (hurried) return hurriedMs;
    return isUp ? patienceMs : Math.max(patienceMs, startMs);
  };
  const worker = () => new Worker(resolve(root), startUnlessClosed, { ...timings, patienceMs: patience });
  const pool = new WorkerPool(workerCount, worker, timings);
  const doubtful = worker();
  const quarantine = new Quarantine(doubtful, timings, confines);
  const all = () => [...pool.all, doubtful];

  return {
    async clear(patterns, { background = false, secondFollows = false, identities, countApart } = {}) {
      const confined = { ...confines, ...(identities && { identities }), ...(countApart && { countApart }) };
      let size = partSize;
      const parts = partsOf(patterns, () => size);
      const cleared: DeletionResult[] = [];
      let next = parts.next();
      const clearNext = async () => {
        let request: ClearRequest | undefined;
        const clearing = pool.use(async (worker) => {
          if (next.done) return undefined;
          request = { kind: 'clear', patterns: next.value, listing, tempsLater: secondFollows, ...confined };
          const answer = worker.ask({ ...request, suspended: quarantine.suspended });
          // Runs while the worker works: making patterns takes time, too.
          next = parts.next();
          return await answer;
        }, background);
        try {
          const answer = await clearing;
          if (!answer) return;
          cleared.push(answer);
          // If nearly all the time goes into listings, larger parts help: a batch must not list a directory
          // once for each 250 of its keys.
          const { listed = 0 } = answer;
          if (listed > listedApiece * size) size = Math.min(2 * size, largestPart);
        } catch (error) {
          if (!(error instanceof Stalled && request)) throw error;
          // Outside the queue: the two shared workers serve all requests.
          cleared.push(await quarantine.clear(request));
        }
      };
      const clearAll = async () => {
        try {
          while (!next.done) await clearNext();
        } catch (error) {
          next = parts.return();
          throw error;
        }
      };
      // One task more than workers: it queues for the next free worker, so a large request takes turns with
      // small ones instead of keeping its worker.
      await Promise.all(Array.from({ length: workerCount + 1 }, clearAll));
      return mergeResults(cleared);
    },
    silent: quarantine,
    ask: (request) => pool.use((worker) => worker.ask(request), false),
    start() {
      pool.all[0]?.start();
    },
    hurry(given) {
      hurried = given;
      quarantine.hurry(given);
      for (const worker of all()) worker.checkOverdue();
    },
    waitingMs: () => pool.all.reduce((most, { waitingMs }) => Math.max(most, waitingMs), 0),
    async close() {
      closed = true;
      quarantine.end();
      await Promise.all(all().map((worker) => worker.close()));
    },
  };
}

function* partsOf(
  patterns: Iterable<string | readonly string[]>,
  size: () => number,
): Generator<string[], void> {
  let part: string[] = [];
  for (const mergeResults of patterns) {
    for (const pattern of typeof mergeResults === 'string' ? [mergeResults] : mergeResults)
      part.push(pattern);
    if (part.length < size()) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

function mergeResults(parts: readonly DeletionResult[]): DeletionResult {
  const filesApart = new Map<string, number>();
  for (const part of parts) {
    for (const [pattern, files] of Object.entries(part.filesApart ?? {}))
      filesApart.set(pattern, (filesApart.get(pattern) ?? 0) + files);
  }
  const paths = parts.flatMap(({ paths = [] }) => paths);
  return {
    files: parts.reduce((sum, { files }) => sum + files, 0),
    ...(filesApart.size > 0 && { filesApart: Object.fromEntries(filesApart) }),
    failures: parts.flatMap(({ failures }) => failures),
    ...(parts.some(({ paths }) => paths) && { paths }),
  };
}
