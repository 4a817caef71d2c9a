import { join, resolve } from 'node:path';
import type { startWorkerProcess } from '../../src/filesystem/workers/start-worker.ts';

/** The built code, because child processes of Node cannot run TypeScript. */
export const dist = resolve('dist/filesystem');
export const { startWorkerProcess: start }: { startWorkerProcess: typeof startWorkerProcess } = await import(
  join(dist, 'workers/start-worker.js')
);
