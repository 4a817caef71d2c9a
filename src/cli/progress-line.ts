import { several } from '../core/plural.ts';
import { printable } from '../core/printable-text.ts';
import { complain } from './output.ts';

/** A bar on a terminal; elsewhere it is silent, except for messages. */
export interface Progress {
  at(done: number, what: string): void;
  note(text: string): void;
  /** An error, on a line of its own above the bar. */
  say(line: string): void;
  close(): void;
}

const width = 30;

export function openProgress(total: number, stream: NodeJS.WriteStream): Progress {
  const draw = (text: string) => {
    if (stream.isTTY) stream.write(`\r\x1b[K${text}`);
  };
  return {
    at(done, what) {
      const share = total === 0 ? 1 : Math.min(1, done / total);
      const bar = '█'.repeat(Math.round(share * width)).padEnd(width, '░');
      draw(
        `${bar} ${Math.floor(share * 100)} %  ${done} of ${several(Math.max(total, done), 'entry', 'entries')}  ${printable(what)}`,
      );
    },
    note: draw,
    say(line) {
      draw('');
      complain(line);
    },
    close: () => draw(''),
  };
}
