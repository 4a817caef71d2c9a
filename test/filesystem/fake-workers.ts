import { expect, vi } from 'vitest';
import type { DeletionResult } from '../../src/core/page-files.ts';
import { openCache } from '../../src/filesystem/workers/file-cache.ts';
import type { StartWorker, WorkerEvents } from '../../src/filesystem/workers/start-worker.ts';
import type { ClearRequest, Request } from '../../src/filesystem/workers/worker-request.ts';

/** Time passes only when a test says so, however busy the machine is. */
export function standStill(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
}

/** Resolves when the fake worker has been started and has received its nth request. */
export function posts(started: readonly Fake[], which: number, nth: number): Promise<void> {
  return vi.waitFor(() => expect(started[which]?.posted.length).toBeGreaterThanOrEqual(nth), {
    timeout: 100_000,
    interval: 5,
  });
}

interface Fake {
  readonly hears: WorkerEvents;
  readonly posted: ClearRequest[];
  ends: number;
}

/** A cache whose workers answer when the test says so, in the order in which they were started. */
export function withFakes(options: Parameters<typeof openCache>[2] = {}, { isSlow = false } = {}) {
  const started: Fake[] = [];
  const start: StartWorker = (_root, hears) => {
    const fake: Fake = { hears, posted: [], ends: 0 };
    started.push(fake);
    if (!isSlow) queueMicrotask(() => hears.message({ up: true }));
    return {
      post: (request) => fake.posted.push(asClear(request)),
      async end() {
        fake.ends += 1;
      },
    };
  };
  return { cache: openCache('/', start, options), started };
}

function asClear(request: Request): ClearRequest {
  if (request.kind !== 'clear') throw new Error(`Cannot take a request of kind ${request.kind}`);
  return request;
}

export function answer(fake: Fake | undefined, cleared: DeletionResult): void {
  fake?.hears.message({ answer: cleared });
}

/** Lets everything run that can. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));
