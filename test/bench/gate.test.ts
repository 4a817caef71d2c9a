import { beforeEach, expect, it } from 'vitest';
import { gate } from '../../bench/gate.ts';
import type { Measured } from '../../bench/measure.ts';
import type { Options } from '../../bench/options.ts';

/** A run that has measured how much CPU a storm takes, by the ratio of each round. */
const storm = (...ratios: number[]) =>
  ({
    storm: {
      uncached: ratios.map((ratio) => ({ cpuMs: 100 * ratio })),
      before: ratios.map(() => ({ cpuMs: 100 })),
    },
  }) as Partial<Measured> as Measured;

let said: string;
let again: unknown[];
beforeEach(() => {
  said = '';
  again = [];
});

async function passes(first: Measured, second?: Measured, sections: Options['sections'] = ['storm']) {
  const measureAgain = async (...asked: unknown[]) => {
    again.push(asked);
    return second ?? expect.fail('nothing is to be measured again');
  };
  const say = (line: string) => {
    said += `${line}\n`;
  };
  return await gate(first, measureAgain, { rounds: 3, sections, say } as Options);
}

it('passes a build that is not worse, at once', async () => {
  expect(await passes(storm(1, 1.2, 0.9))).toBe(true);
});

it('measures again what seems worse, and passes it if it was not so', async () => {
  expect(await passes(storm(1.3, 1.2, 1.4), storm(1.3, 1.2, 1.4, 0.9, 1.1))).toBe(true);
  expect(again).toEqual([[['storm'], 5]]);
});

it('fails what is worse again', async () => {
  expect(await passes(storm(1.3, 1.2, 1.4), storm(1.3, 1.2, 1.4, 1.3, 1.1))).toBe(false);
  expect(said).toContain('WORSE: storm: CPU: 30 % more than before');
});

it('fails what could not be measured again', async () => {
  expect(await passes(storm(1.3, 1.2, 1.4), {} as Measured)).toBe(false);
  expect(said).toContain('WORSE, and not measured again: storm: CPU');
  expect(await passes(storm(1.3, 1.2, 1.4), storm(1, Number.NaN, 1, 1, 1))).toBe(false);
});

it('does not pass what was not measured of both', async () => {
  expect(await passes(storm(1, 1, 1), undefined, ['storm', 'idle'])).toBe(false);
  expect(said).toContain('not measured of both: idle');
  expect(await passes(storm(1, Number.NaN, 1))).toBe(false);
});
