import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { within } from '../postgres/within.ts';
import type { Message, Order, Setting } from './load.ts';
import type { Report } from './report.ts';

/**
 * A load process as seen from the run. When it is killed and started again, it is a new one. It ends when the
 * run does, even by -9.
 */
export interface LoadProcess {
  go(): void;
  /** Resolves when it has finished its current turn. */
  pause(): Promise<void>;
  kill(): Promise<void>;
}

/**
 * Long enough for a transaction that idles for seconds in several steps, a lock time-out and one statement
 * time-out.
 */
const pauseMs = 100_000;

/** Starts `script`, and passes its counts and violations to the report. */
export function startLoad(
  script: 'producer' | 'writer' | 'reader',
  setting: Setting,
  report: Report,
): LoadProcess {
  const child = fork(join(import.meta.dirname, `${script}.js`), [JSON.stringify(setting)]);
  const ended = once(child, 'exit');
  let wanted = true;
  let paused = () => {};
  child.on('message', (message: Message) => {
    if (message.kind === 'paused') paused();
    if (message.kind === 'figures') report.figures.of(setting.mark, message.figures);
    if (message.kind === 'violation') report.violation(message.what, message.paths, message.detail);
  });
  void ended.then(([code, signal]) => {
    if (wanted) report.violation('fault', [], `${setting.name} ended by itself: ${signal ?? code}`);
  });
  const order = (word: Order) => child.send(word);
  return {
    go: () => order('go'),
    pause: () =>
      within(
        pauseMs,
        `pause ${setting.name}`,
        (signal) =>
          new Promise<void>((resolve, reject) => {
            paused = resolve;
            signal.addEventListener('abort', reject);
            order('pause');
          }),
      ),
    async kill() {
      wanted = false;
      child.kill('SIGKILL');
      await ended;
    },
  };
}
