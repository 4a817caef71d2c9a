import { setTimeout as wait } from 'node:timers/promises';
import { formatDuration } from '../core/duration.ts';
import { draw, readerIsGone } from './output.ts';

interface Shown {
  readonly code: number;
  readonly text: string;
}

const everyMs = 2_000;

/** Shows it again and again, until SIGINT, SIGTERM or the reader's end. Returns the last exit code. */
export async function watchStatus(ask: () => Promise<Shown>): Promise<number> {
  const stop = new AbortController();
  const stopped = new Promise<undefined>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        stop.abort();
        resolve(undefined);
      });
    }
  });
  // On a terminal each report replaces the last. Anything else gets one report after the other.
  const screen = process.stdout.isTTY ? process.stdout : undefined;
  let code = 2;
  if (screen) draw('\x1b[2J');
  while (!stop.signal.aborted && !readerIsGone()) {
    // Ctrl-C works even while a server does not answer.
    const shown = await Promise.race([ask(), stopped]);
    if (shown === undefined) break;
    code = shown.code;
    const text = `${new Date().toLocaleTimeString('en-GB')}, every ${formatDuration(everyMs)} until Ctrl-C\n${shown.text}`;
    draw(screen ? frame(text, screen.rows) : `${text}\n`);
    await wait(everyMs, undefined, { signal: stop.signal }).catch(() => {});
  }
  if (screen) draw('\n');
  return code;
}

/**
 * Overwrites line by line, and clears everything below. If the terminal is too low it shows the beginning:
 * one more line would scroll.
 */
function frame(text: string, rows: number): string {
  const lines = text
    .split('\n')
    .slice(0, -1)
    .slice(0, Math.max(1, rows - 1));
  return `\x1b[H${lines.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`;
}
