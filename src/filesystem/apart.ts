import { fork } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { toError } from '../core/errors.ts';
import type { ClearReply, ClearRequest } from './answer.ts';
import { handleWalk } from './handle-walk.ts';
import { systemWalk } from './walk.ts';

/** Where clearing goes on apart from the daemon, so that a large deletion never keeps the listener from hearing. */
export interface Apart {
  post(request: ClearRequest): void;
  /** Ends it, in the middle of a clearing too. */
  end(): Promise<void>;
}

export interface Hears {
  reply(reply: ClearReply): void;
  /** It answers nothing any more; may be told more than once. */
  ended(error: Error): void;
}

export type StartApart = (root: string, hears: Hears) => Apart;

/** A thread where handles can be walked, else a child: the working directory belongs to a whole process. */
export const startApart: StartApart = (root, hears) =>
  (systemWalk() === handleWalk ? startThread : startChild)(root, hears);

export const startThread: StartApart = (root, { reply, ended }) => {
  const thread = new Worker(new URL('./thread.js', import.meta.url), {
    workerData: root,
    // What it makes does not outlive a part; left alone, V8 would rather grow than collect it.
    resourceLimits: { maxYoungGenerationSizeMb: 2 },
  });
  thread.on('message', reply);
  thread.on('error', (cause) => ended(new Error('Cannot clear: the clearing thread died', { cause })));
  thread.on('exit', () => ended(new Error('Cannot clear: the clearing thread has ended')));
  return {
    post: (request) => thread.postMessage(request),
    end: async () => void (await thread.terminate()),
  };
};

export const startChild: StartApart = (root, { reply, ended }) => {
  const child = fork(new URL('./child.js', import.meta.url), [root], {
    cwd: '/',
    execArgv: [],
    // Errors stay errors, as they do between threads.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const died = (cause: unknown) => ended(new Error('Cannot clear: the clearing child died', { cause }));
  child.on('message', reply);
  child.on('error', died);
  child.on('exit', (code, signal) => died(new Error(signal ?? `exit code ${code}`)));
  return {
    post: (request) => void child.send(request, (error) => error && died(toError(error))),
    async end() {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await exited;
    },
  };
};
