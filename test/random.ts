/** Chances that can be repeated: the same seed, the same choices. */
export interface Random {
  readonly seed: number;
  below(limit: number): number;
  pick<T>(all: readonly T[]): T;
  chance(probability: number): boolean;
  list<T>(most: number, make: () => T): T[];
}

/** Prints its seed; UNCACHED_SEED repeats a run. */
export function random(
  seed = Number(process.env.UNCACHED_SEED ?? Math.floor(Math.random() * 2 ** 32)),
): Random {
  console.info(`seed: UNCACHED_SEED=${seed}`);
  let state = seed;
  // Mulberry32.
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    seed,
    below,
    pick: (all) => {
      const picked = all[below(all.length)];
      if (picked === undefined) throw new Error('Cannot pick from nothing');
      return picked;
    },
    chance: (probability) => next() < probability,
    list: (most, make) => Array.from({ length: below(most + 1) }, make),
  };
}
