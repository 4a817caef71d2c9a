import type { HandlerStatus, Problem } from '../core/daemon-status.ts';
import { toSeconds } from '../core/duration.ts';
import { clip, printable } from '../core/printable-text.ts';
import { type Colour, levelColours, paint } from '../core/terminal.ts';
import { levelOf } from '../observe/health.ts';

interface Cell {
  readonly text: string;
  readonly colour?: Colour | undefined;
}

const head = ['handler', 'backlog', 'lag', 'claimed', 'settling', 'failing', 'invalid'];

const between = '  ';

/** A name is cut to fit the terminal, but not shorter than this. */
const leastName = 12;

const unknown = '–';

/**
 * A row for each handler, and one for all of several; a handler's name has the colour of its worst problem.
 */
export function statusTable(
  handlers: readonly HandlerStatus[],
  problems: readonly Problem[],
  { columns = Number.POSITIVE_INFINITY, colour = false },
): string[] {
  if (handlers.length === 0) return [];
  const rows: Cell[][] = [
    head.map((text) => ({ text, colour: 'dim' })),
    ...handlers.map((one) => [nameOf(one, problems), ...numbersOf(one)]),
    ...(handlers.length > 1 ? [[{ text: 'total' }, ...numbersOf(totalOf(handlers))]] : []),
  ];
  const widths = head.map((_title, at) =>
    rows.reduce((most, row) => Math.max(most, row[at]?.text.length ?? 0), 0),
  );
  const others = widths.slice(1).reduce((sum, one) => sum + between.length + one, 0);
  const width = Math.min(widths[0] ?? 0, Math.max(leastName, columns - others));
  return rows.map((row) =>
    row
      .map(({ text, colour: own }, at) => {
        const padded = at === 0 ? shorten(text, width).padEnd(width) : text.padStart(widths[at] ?? 0);
        return colour && own ? paint(padded, own) : padded;
      })
      .join(between),
  );
}

function nameOf({ handler }: HandlerStatus, problems: readonly Problem[]): Cell {
  const level = levelOf(problems.filter((one) => one.handler === handler));
  return { text: printable(clip(handler)), colour: level === 'ok' ? undefined : levelColours[level] };
}

type Numbers = Pick<HandlerStatus, 'backlog' | 'lagMs' | 'claimed' | 'settling' | 'failing' | 'invalid'>;

function numbersOf({ backlog, lagMs, claimed, settling, failing, invalid }: Numbers): Cell[] {
  return [
    { text: String(backlog ?? unknown) },
    { text: lagMs === null ? unknown : `${toSeconds(lagMs)} s` },
    { text: String(claimed) },
    { text: String(settling) },
    { text: String(failing), colour: failing > 0 ? 'red' : undefined },
    { text: String(invalid), colour: invalid > 0 ? 'yellow' : undefined },
  ];
}

/** The total of several handlers; unknown if that of one is unknown. */
export function totalOf(handlers: readonly HandlerStatus[]): Numbers {
  const sum = (of: (one: HandlerStatus) => number) => handlers.reduce((all, one) => all + of(one), 0);
  return {
    backlog: handlers.some(({ backlog }) => backlog === null) ? null : sum((one) => one.backlog ?? 0),
    lagMs: handlers.some(({ lagMs }) => lagMs === null)
      ? null
      : handlers.reduce((most, one) => Math.max(most, one.lagMs ?? 0), 0),
    claimed: sum((one) => one.claimed),
    settling: sum((one) => one.settling),
    failing: sum((one) => one.failing),
    invalid: sum((one) => one.invalid),
  };
}

function shorten(name: string, most: number): string {
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}
