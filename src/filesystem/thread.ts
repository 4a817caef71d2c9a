import { parentPort, workerData } from 'node:worker_threads';
import { toError } from '../core/errors.ts';
import type { ClearReply, ClearRequest } from './cache.ts';
import { clear } from './clear.ts';

/** The clearing thread: one request after the other, for the root it was given. */
parentPort?.on('message', ({ id, patterns }: ClearRequest) => {
  parentPort?.postMessage(answer(id, patterns));
});

function answer(id: number, patterns: readonly string[]): ClearReply {
  try {
    return { id, cleared: clear(workerData as string, patterns) };
  } catch (error) {
    return { id, error: toError(error) };
  }
}
