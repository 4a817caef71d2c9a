import type { End } from './pattern-tree.ts';

const few = 4;
const none: readonly End[] = [];

/**
 * Finds the ends that match a name, in their order, by the first characters of names. So a listing costs its
 * names, and not its names times the keys to delete from this directory.
 */
export function endFinder(ends: readonly End[]): (name: string) => readonly End[] {
  const [only, second] = ends;
  // Names that nearly every directory has.
  if (only && !second) return (name) => (only.matches(name) ? ends : none);
  if (ends.length <= few) return (name) => ends.filter((end) => end.matches(name));
  /** Keyed by the length of the prefix. */
  const byLength = new Map<number, Map<string, End[]>>();
  const order = new Map(ends.map((end, nth) => [end, nth]));
  for (const end of ends) {
    const { prefix } = end;
    const byPrefix = byLength.get(prefix.length) ?? new Map<string, End[]>();
    byLength.set(prefix.length, byPrefix);
    const alike = byPrefix.get(prefix);
    if (alike) alike.push(end);
    else byPrefix.set(prefix, [end]);
  }
  return (name) => {
    const found: End[] = [];
    for (const [length, byPrefix] of byLength)
      for (const end of byPrefix.get(name.slice(0, length)) ?? []) if (end.matches(name)) found.push(end);
    return found.length < 2 ? found : found.sort((one, other) => orderOf(one) - orderOf(other));
  };

  function orderOf(end: End): number {
    return order.get(end) ?? 0;
  }
}
