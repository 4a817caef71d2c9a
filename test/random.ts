import { createHash, randomInt } from 'node:crypto';

/** Random numbers that a seed determines. */
export interface Random {
  /** From 0 up to 1. */
  next(): number;
  below(limit: number): number;
  between(least: number, limit: number): number;
  chance(probability: number): boolean;
  pick<T>(all: readonly T[]): T;
  /** Up to `most` results of `make`. */
  list<T>(most: number, make: () => T): T[];
}

/** Prints its seed. UNCACHED_SEED repeats a run. */
export function random(): Random {
  const seed = process.env.UNCACHED_SEED ?? String(randomInt(2 ** 32));
  console.info(`seed: UNCACHED_SEED=${seed}`);
  return seeded(seed);
}

/**
 * sfc32, initialised with a hash of the seed, so that the numbers of `1 producer` and `2 producer` are
 * unrelated.
 */
export function seeded(seed: string): Random {
  const hash = createHash('sha256').update(seed).digest();
  let [a, b, c, d] = [0, 4, 8, 12].map((at) => hash.readInt32LE(at)) as [number, number, number, number];
  const next = () => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    next,
    below,
    between: (least, limit) => least + next() * (limit - least),
    chance: (probability) => next() < probability,
    pick: (all) => {
      const picked = all[below(all.length)];
      if (picked === undefined) throw new Error('Cannot pick from nothing');
      return picked;
    },
    list: (most, make) => Array.from({ length: below(most + 1) }, make),
  };
}
