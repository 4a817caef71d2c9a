import { describe, expect, it } from 'vitest';
import { isWorse, moreRounds } from '../../bench/gate-rule.ts';
import { seeded } from '../random.ts';

describe('a ratio is worse', () => {
  it.each([
    ['in each of three rounds', [1.3, 1.2, 1.4], true],
    ['by its median, and a little in the third', [1.3, 1.2, 1.01], true],
    ['but in one round of three', [1.3, 0.99, 1.4], false],
    ['in one round of bad luck', [8, 1.1, 1.02], false],
    ['by less than the limit', [1.14, 1.13, 1.1], false],
    ['by much less', [0.7, 0.6, 0.8], false],
  ])('%s', (_what, ratios, worse) => {
    expect(isWorse(ratios)).toBe(worse);
  });
});

const { next, chance } = seeded('gate');

/** Each is doubled or halved in one round of fifty. */
function draw(count: number, slower: number, deviation: number): number[] {
  const bursts = () => (chance(0.01) ? 2 : chance(0.01) ? 0.5 : 1);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return Array.from({ length: count }, () => slower * bursts() * Math.exp(deviation * normal()));
}

/** How often a run with as many ratios fails, of 5,000. */
function failures({ ratios, slower, deviation }: Record<'ratios' | 'slower' | 'deviation', number>): number {
  const runs = 5_000;
  let failed = 0;
  for (let run = 0; run < runs; run++) {
    const worse = Array.from(
      { length: ratios },
      () => isWorse(draw(3, slower, deviation)) && isWorse(draw(3 + moreRounds, slower, deviation)),
    );
    if (worse.includes(true)) failed += 1;
  }
  return failed / runs;
}

describe('of runs in which each ratio varies by a tenth', () => {
  it('hardly one fails where a build is compared with itself', () => {
    expect(failures({ ratios: 20, slower: 1, deviation: 0.1 })).toBeLessThan(1 / 500);
  });

  it('most fail where one ratio alone is 30 % worse', () => {
    expect(failures({ ratios: 1, slower: 1.3, deviation: 0.1 })).toBeGreaterThan(0.8);
  });
});

describe('of runs in which each ratio varies by 15 %', () => {
  it('one in a hundred fails where a build is compared with itself', () => {
    expect(failures({ ratios: 20, slower: 1, deviation: 0.15 })).toBeLessThan(1 / 80);
  });

  it('nearly all fail where three ratios are 30 % worse', () => {
    expect(failures({ ratios: 3, slower: 1.3, deviation: 0.15 })).toBeGreaterThan(0.9);
  });
});
