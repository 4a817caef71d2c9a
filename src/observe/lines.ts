import { writeSync } from 'node:fs';
import { toError } from '../core/errors.ts';

/** A reader that is slow, on a descriptor that does not wait: so long it is waited for. */
const patienceMs = 1_000;
const pauseMs = 10;

/**
 * Writes lines to a descriptor before it returns. A log that cannot be written, on a full disk or into a pipe that nobody reads any more,
 * must not end the clearing: that is said once on standard error, and the log tells how many lines it lost when it works again.
 */
export function writeLines(
  fd: number,
  lostInWords: (lines: number) => string,
  complain = (text: string) => writeWhole(2, text),
): { write(line: string): void } {
  let lost = 0;
  /** The last line was cut off in its middle. */
  let torn = false;

  function attempt(text: string): Error | undefined {
    const whole = torn ? `\n${text}` : text;
    try {
      writeWhole(fd, whole);
      torn = false;
      return undefined;
    } catch (thrown) {
      if (thrown instanceof CutOff) torn = thrown.written > 0 || torn;
      return toError(thrown);
    }
  }

  function regained(): boolean {
    if (lost === 0) return true;
    if (attempt(lostInWords(lost))) return false;
    lost = 0;
    return true;
  }

  return {
    write(line) {
      const error = regained() ? attempt(line) : undefined;
      if (lost > 0 || error) lost += 1;
      if (!error || lost > 1) return;
      try {
        complain(
          `uncached: cannot write the log: ${error.message}. Clearing goes on without it ("uncached status" tells how): free space where it is written, or start uncached again with a log that works\n`,
        );
      } catch {
        // There is nobody left to tell.
      }
    },
  };
}

class CutOff extends Error {
  readonly written: number;

  constructor(written: number, cause: unknown) {
    super(toError(cause).message, { cause });
    this.written = written;
  }
}

function writeWhole(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  for (let waitedMs = 0; written < bytes.length; ) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || waitedMs >= patienceMs)
        throw new CutOff(written, error);
      waitedMs += pauseMs;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
    }
  }
}
