import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { workerDied } from '../../core/errors.ts';
import { lineReader, type Message } from './worker-message.ts';
import type { Request } from './worker-request.ts';

/**
 * Runs clearings outside the daemon's process. So a large deletion never keeps the daemon from listening, and
 * a system call that never returns does not keep it from ending.
 */
export interface WorkerChannel {
  post(request: Request): void;
  /** Ends the worker, also in the middle of a clearing; waits so long at most for its end. */
  end(withinMs: number): Promise<void>;
}

export interface WorkerEvents {
  message(message: Message): void;
  /** The worker has ended; may be called more than once. */
  ended(error: Error): void;
}

export type StartWorker = (root: string, hears: WorkerEvents) => WorkerChannel;

/** Once this many are abandoned in the kernel, no more are started for their root. */
const maxAbandoned = 8;

/** With the root of each: one that does not answer must not take the workers of another. */
const abandoned = new Map<ChildProcess, string>();

/**
 * A child process on every system. The system call that a file server does not answer blocks the process that
 * made it. A thread of the daemon could not be ended, and so neither could the daemon; a child can be killed,
 * or abandoned. The chdir walk needs a process of its own anyway.
 */
export const startWorkerProcess: StartWorker = (root, { message, ended }) => {
  const died = (cause: unknown) =>
    ended(Object.assign(new Error('Cannot clear: the worker died', { cause }), { code: workerDied }));
  const waiting = [...abandoned.values()].filter((other) => other === root).length;
  if (waiting >= maxAbandoned) {
    const reason = `${waiting} workers wait in the kernel for a disk or file server that does not answer: bring it back`;
    queueMicrotask(() => died(new Error(reason)));
    return { post() {}, end: async () => {} };
  }
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [...small, childPath, root], {
      cwd: '/',
      stdio: ['pipe', 'pipe', 'inherit'],
    });
  } catch (error) {
    // For example for lack of memory: some errors are thrown, others come as an event.
    queueMicrotask(() => died(error));
    return { post() {}, end: async () => {} };
  }
  child.on('error', died);
  child.on('exit', (code, signal) => died(new Error(signal ?? `exit code ${code}`)));
  child.stdin?.on('error', died);
  child.stdout?.on(
    'data',
    lineReader((line) => message(JSON.parse(line) as Message)),
  );
  return {
    post: (request) => void child.stdin?.write(`${JSON.stringify(request)}\n`),
    end: (withinMs) => end(child, root, withinMs),
  };
};

const childPath = join(import.meta.dirname, 'worker-child.js');

/**
 * Objects made during a clearing do not outlive it. By default V8 would grow the heap rather than collect
 * them.
 */
const small = ['--max-semi-space-size=1', '--heap-growing-percent=20'];

async function end(child: ChildProcess, root: string, withinMs: number): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGKILL');
  abandoned.set(child, root);
  void exited.then(() => abandoned.delete(child));
  // Neither the child nor its pipes keep the daemon from ending.
  child.unref();
  child.stdin?.destroy();
  child.stdout?.destroy();
  await new Promise<void>((resolve) => {
    const late = setTimeout(resolve, withinMs);
    void exited.then(() => {
      clearTimeout(late);
      resolve();
    });
  });
}
