import type { Level } from './daemon-status.ts';

/**
 * Colours for a terminal, unless NO_COLOR (https://no-color.org) is set: a pipe, a file or a monitor gets
 * none.
 */
export function wantsColour({ isTTY }: { readonly isTTY?: boolean }): boolean {
  return isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}

export type Colour = 'red' | 'yellow' | 'green' | 'dim';

const codes: Readonly<Record<Colour, number>> = { red: 31, yellow: 33, green: 32, dim: 2 };

export const levelColours: Readonly<Record<Level, Colour>> = {
  ok: 'green',
  warning: 'yellow',
  critical: 'red',
};

export function paint(text: string, colour: Colour): string {
  return `\x1b[${codes[colour]}m${text}\x1b[0m`;
}

/**
 * Breaks text into lines of at most so many columns where words allow it; all but the first begin with the
 * indent.
 */
export function wrap(text: string, columns: number, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length <= columns || line.trim() === '') line = longer;
    else {
      lines.push(line);
      line = `${indent}${word}`;
    }
  }
  return [...lines, line];
}
