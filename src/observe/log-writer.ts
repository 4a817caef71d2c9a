import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { errorCode, toError } from '../core/errors.ts';
import { usualTimings } from '../core/timings.ts';

/** For a reader that is slow, so many bytes wait; what comes on top is lost. */
const mostWaiting = 1 << 20;

/** A reader that takes nothing is tried again after this, not with each line. */
const againMs = 20;

const { lastMs } = usualTimings.reporting.log;

interface PendingLines {
  readonly bytes: Buffer;
  /** How many lines are lost with it. */
  readonly lines: number;
}

/**
 * Writes lines to a descriptor, and before it returns as long as they are read, so that a crash cannot take
 * the last ones. A log that cannot be written must not end the clearing, nor slow it: on a full disk, in a
 * pipe that nobody reads any more, or whose reader hangs. That is said once on standard error, and the log
 * tells how many lines it lost when it works again.
 */
export function openLogWriter(
  fd: number,
  formatLost: (lines: number) => string,
  complain = complainOnce,
): { write(line: string): void } {
  const out = neverWaiting(fd);
  const waiting: PendingLines[] = [];
  let waitingBytes = 0;
  /** When the first waiting line was queued. */
  let written = 0;
  /** The last line was cut off in the middle. */
  let torn = false;
  let lost = 0;
  let complained = false;
  let retryAt = 0;
  let willTryAgain = false;

  function add(text: string, lines: number): void {
    const bytes = Buffer.from(text);
    waiting.push({ bytes, lines });
    waitingBytes += bytes.length;
  }

  /** At the place where the lost lines would have been. */
  function reportLost(): void {
    if (lost === 0 || waitingBytes > mostWaiting / 2) return;
    add(formatLost(lost), lost);
    lost = 0;
  }

  function lose(lines: number, why: string): void {
    lost += lines;
    if (!complained) complain(why);
    complained = true;
  }

  function flush(): void {
    try {
      if (torn) writeSync(out, '\n');
      torn = false;
      for (let first = waiting[0]; first; first = waiting[0]) {
        while (written < first.bytes.length) written += writeSync(out, first.bytes, written);
        waiting.shift();
        waitingBytes -= first.bytes.length;
        written = 0;
        if (waiting.length === 0) complained = false;
      }
    } catch (error) {
      if (errorCode(error) === 'EAGAIN') tryAgain();
      else giveUp(toError(error));
    }
  }

  function tryAgain(): void {
    retryAt = performance.now() + againMs;
    if (willTryAgain) return;
    willTryAgain = true;
    setTimeout(() => {
      willTryAgain = false;
      flushAll();
    }, againMs).unref();
  }

  function flushAll(): void {
    flush();
    reportLost();
    flush();
  }

  function giveUp(error: Error): void {
    torn = torn || written > 0;
    written = 0;
    waitingBytes = 0;
    const lines = waiting.splice(0).reduce((sum, one) => sum + one.lines, 0);
    lose(lines, error.message);
  }

  process.once('exit', () => {
    flushAll();
    for (let waitedMs = 0; waiting.length > 0 && waitedMs < lastMs; waitedMs += againMs) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, againMs);
      flushAll();
    }
  });

  return {
    write(line) {
      reportLost();
      if (lost > 0 || waitingBytes + line.length > mostWaiting) lose(1, 'its reader does not read');
      else add(line, 1);
      if (performance.now() >= retryAt) flush();
    },
  };
}

/**
 * Opens the same file, pipe or terminal without waiting for a reader. It is opened once more, so that other
 * processes that share it are not affected. Where that is impossible (a socket, another user's pipe, a system
 * without /proc), Node's own stream writes without waiting.
 */
function neverWaiting(fd: number): number {
  try {
    if (fstatSync(fd).isFile()) return fd;
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    void (fd === 2 ? process.stderr : process.stdout);
    return fd;
  }
}

function complainOnce(why: string): void {
  try {
    writeSync(
      neverWaiting(2),
      `uncached: cannot write the log: ${why}. Clearing continues without it ("uncached status" shows its health): free space on the disk, fix the program that reads it, or restart uncached with a log that works\n`,
    );
  } catch {
    // There is no way left to report it.
  }
}
