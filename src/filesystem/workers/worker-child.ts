import { readSync, writeSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { errorCode } from '../../core/errors.ts';
import { ignoreHarmfulSignals } from '../../core/signals.ts';
import { guardSteps } from '../walk/step-guard.ts';
import { tracedWalk } from '../walk/traced-walk.ts';
import { systemWalk } from '../walk/walk.ts';
import { errorParts, lineReader, type Message } from './worker-message.ts';
import { answerRequest, type Request } from './worker-request.ts';

/**
 * A worker: handles one request after the other, for the root it was given. It waits only for standard input,
 * without an event loop, so that its messages are sent at once while it works. When the daemon has ended,
 * even by kill -9, its input ends and so does the worker.
 */
const root = process.argv[2] ?? '';

/** Errors are answers here, and recording where they were made takes longer than their system call. */
Error.stackTraceLimit = 0;

/**
 * V8 optimizes what runs often, which costs more than it gains before a worker has worked this long: 20,000
 * entries took a quarter less of the processor without it, a million take longer. Both flags are read whenever
 * V8 might optimize a function.
 */
const optimizeAfterUs = 2_000_000;
setFlagsFromString('--no-opt');
let optimizes = false;

function optimizeIfLong(): void {
  const { user, system } = process.cpuUsage();
  optimizes = user + system > optimizeAfterUs;
  if (optimizes) setFlagsFromString('--opt');
}

function write(message: Message): void {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let written = 0; written < bytes.length; ) written += writeSync(1, bytes, written);
}

/** To report each step would take most of the time where there are many. */
function stepsOf(request: Request): Parameters<typeof guardSteps>[0] {
  if (request.kind === 'clear') return request;
  return { traced: request.kind !== 'zone-clear' && request.kind !== 'zone-wipe' };
}

function work(line: string): Message {
  try {
    const request = JSON.parse(line) as Request;
    const before = guardSteps(stepsOf(request), (at, isListing) => write({ at, isListing }));
    return { answer: answerRequest(request, root, tracedWalk(systemWalk(), before)) };
  } catch (error) {
    return { error: errorParts(error) };
  }
}

// A terminal and systemd signal the whole group. The daemon stops in its own way, and may need this worker
// for one more clearing.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
ignoreHarmfulSignals();

/** The size of a pipe. */
const chunk = Buffer.allocUnsafe(65_536);
const onChunk = lineReader((line) => {
  write(work(line));
  if (!optimizes) optimizeIfLong();
});
try {
  write({ up: true });
  for (let length = readSync(0, chunk); length > 0; length = readSync(0, chunk))
    onChunk(chunk.subarray(0, length));
} catch (error) {
  // The daemon is gone, so nobody reads this.
  if (errorCode(error) !== 'EPIPE') throw error;
}
