import { join, resolve } from 'node:path';
import { openCache } from '../filesystem/workers/file-cache.ts';
import { startWorkerProcess } from '../filesystem/workers/start-worker.ts';
import { Stalled } from '../filesystem/workers/worker.ts';
import type { AnswerTo, Request } from '../filesystem/workers/worker-request.ts';

/** A listing may take six times as long (worker.ts). */
const patienceMs = 5_000;

/**
 * Asks a worker on behalf of a command: a system call that is never answered would hang the command itself,
 * and only SIGKILL would end it. Throws an Error that names the directory that does not answer.
 * @param unnamed that directory if the worker does not name one: root
 */
export async function askWorker<Asked extends Request>(
  root: string,
  request: Asked,
  { unnamed = '', startWorker = startWorkerProcess } = {},
): Promise<AnswerTo<Asked>> {
  const cache = openCache(root, startWorker, { patienceMs });
  try {
    return await cache.ask(request);
  } catch (error) {
    if (error instanceof Stalled)
      throw new Error(formatNotAnswering(root, error.path ?? unnamed), { cause: error });
    throw error;
  } finally {
    cache.hurry(true);
    await cache.close();
  }
}

/** @param path below root, or absolute */
export function formatNotAnswering(root: string, path: string): string {
  const whole = path.startsWith('/') ? path : join(resolve(root), path);
  return `${whole} does not answer: its disk or file server may be gone: bring it back, or unmount it`;
}
