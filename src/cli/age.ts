const units = [
  ['days', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const;

/** A time in the unit of which there are at least two: `90 s`, `5 min`, `3 h`, `2 days`. */
export function formatAge(ms: number): string {
  const [unit, each] = units.find(([, one]) => ms >= 2 * one) ?? ['s', 1_000];
  const count = ms / each;
  return `${unit === 's' && count < 10 ? Math.round(count * 10) / 10 : Math.round(count)} ${unit}`;
}
