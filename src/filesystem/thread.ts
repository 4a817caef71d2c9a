import { parentPort, workerData } from 'node:worker_threads';
import { answer, type ClearRequest } from './answer.ts';
import { handleWalk } from './handle-walk.ts';

/** A clearing thread: one request after the other, for the root it was given. */
parentPort?.on('message', (request: ClearRequest) => {
  parentPort?.postMessage(answer(request, workerData as string, handleWalk));
});
