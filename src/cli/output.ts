import { setTimeout as wait } from 'node:timers/promises';
import { errorCode } from '../core/errors.ts';
import { printable, printableLines } from '../core/printable-text.ts';

/*
 * All output of a command goes through here: it is made safe for a terminal and a monitor, and not cut off
 * when the process ends.
 */

/** Writes a line to standard output, whatever it contains. */
export function say(line: string): void {
  sayAll([line]);
}

export function sayAll(lines: readonly string[]): void {
  process.stdout.write(toText(lines));
}

/** Lines as they are written, each with its end. */
export function toText(lines: readonly string[]): string {
  return lines.map((line) => `${printable(line)}\n`).join('');
}

/**
 * Writes our own text with its line ends: JSON, SQL, a configuration. Text from others in it is encoded as
 * JSON.
 */
export function print(text: string): void {
  process.stdout.write(printableLines(text));
}

/** Lines with colours in them: text from others in them has been made printable. */
export function draw(text: string): void {
  process.stdout.write(text);
}

/** Whether the reader is gone. */
export function readerIsGone(): boolean {
  return errors.has(process.stdout);
}

/** A line on standard error. */
export function complain(line: string): void {
  process.stderr.write(toText([`uncached: ${line}`]));
}

/** The first error of each stream. Without a listener it would end the process with a stack trace. */
const errors = new Map<NodeJS.WriteStream, Error>();
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    if (!errors.has(stream)) errors.set(stream, error);
  });
}

/**
 * Resolves when the readers have everything, or are gone: a pipe takes 64 KiB at a time, and the rest is
 * written when its reader goes on. False if it could not be written. A reader that has left does not count:
 * `uncached failing list | head -1` has done its work.
 * @param patienceMs waits at most this long; a command waits for a pager as long as necessary
 */
export async function flushed(patienceMs?: number): Promise<boolean> {
  // The error of a write to a file comes a turn later.
  await wait(0);
  await within(flush(process.stdout), patienceMs);
  const error = errors.get(process.stdout);
  const failed = error !== undefined && !isGone(error);
  if (failed) complain(`cannot write to standard output: ${error.message}`);
  await within(flush(process.stderr), patienceMs);
  return !failed;
}

/** Resolves with the last write, whether it succeeds or fails. */
function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableLength === 0) resolve();
    else stream.write('', () => resolve());
  });
}

async function within(done: Promise<void>, ms?: number): Promise<void> {
  if (ms === undefined) return done;
  const timer = new AbortController();
  await Promise.race([done, wait(ms, undefined, { signal: timer.signal }).catch(() => {})]);
  timer.abort();
}

function isGone(error: Error): boolean {
  return ['EPIPE', 'ECONNRESET'].includes(errorCode(error) ?? '');
}
