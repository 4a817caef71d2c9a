/** A bar on a terminal; silence, but for what is said, where nobody watches. */
export interface Progress {
  at(done: number, what: string): void;
  note(text: string): void;
  /** A line of its own, above the bar. */
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
      draw(`${bar} ${Math.floor(share * 100)} %  ${done} of ${Math.max(total, done)} entries  ${what}`);
    },
    note: draw,
    say(line) {
      draw('');
      stream.write(`${line}\n`);
    },
    close: () => draw(''),
  };
}
