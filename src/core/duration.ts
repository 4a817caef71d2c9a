/**
 * Durations as people write and read them. The page has a printer of its own (page/words.js): a browser loads
 * it as it stands.
 */

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/**
 * Milliseconds of `500ms`, `10s`, `5m` or `1h`. A bare number is refused: nobody remembers which unit it
 * would have.
 */
export function parseDuration(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)$/.exec(text) ?? [];
  if (number === '') throw new Error('must be a time with its unit, such as 500ms, 10s, 5m or 1h');
  return Number(number) * units[unit as keyof typeof units];
}

/** The shortest that `parseDuration` reads back: for configurations. */
export function writeDuration(ms: number): string {
  if (ms === 0) return '0s';
  const unit = (['h', 'm', 's'] as const).find((one) => ms % units[one] === 0) ?? 'ms';
  return `${ms / units[unit]}${unit}`;
}

const coarse = [
  ['days', 24 * units.h],
  ['h', units.h],
  ['min', units.m],
] as const;

/** For people, in the unit of which there are at least two: `1.5 s`, `90 s`, `5 min`, `3 h`, `2 days`. */
export function formatDuration(ms: number): string {
  const [unit, each] = coarse.find(([, one]) => ms >= 2 * one) ?? ['s', units.s];
  return `${unit === 's' && ms < 10 * each ? toSeconds(ms) : Math.round(ms / each)} ${unit}`;
}

/** A number to compare with others, such as a lag with its limit; with one decimal. */
export function toSeconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
