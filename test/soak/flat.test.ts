import { expect, it } from 'vitest';
import { seeded } from '../random.ts';
import { judgeFlat } from './flat.ts';

const { between, chance } = seeded('flat');
const allowance = { share: 0.05, more: 2 };
const samples = (count: number, at: (n: number) => number) => Array.from({ length: count }, (_, n) => at(n));

it.each([
  { what: 'the same all the time', series: samples(300, () => 100), flat: true },
  { what: 'noisy', series: samples(300, () => between(80, 120)), flat: true },
  { what: 'growing at the start only', series: samples(300, (n) => Math.min(100, n)), flat: true },
  { what: 'falling', series: samples(300, (n) => 300 - n), flat: true },
  {
    what: 'with a peak now and then, also at the end',
    series: samples(300, (n) => (n > 290 || chance(0.05) ? 1000 : 100)),
    flat: true,
  },
  { what: 'within the allowance', series: samples(300, (n) => (n < 200 ? 100 : 107)), flat: true },
  { what: 'beyond the allowance', series: samples(300, (n) => (n < 200 ? 100 : 107.1)), flat: false },
  { what: 'leaking a tenth in each third', series: samples(300, (n) => 100 + n / 10), flat: false },
  {
    what: 'leaking below the noise',
    series: samples(300, (n) => 100 + n / 10 + between(-15, 15)),
    flat: false,
  },
  {
    what: 'one descriptor more at each of 30 reloads',
    series: samples(300, (n) => 30 + Math.floor(n / 10)),
    flat: false,
  },
  { what: 'too short to tell, although it grows', series: samples(119, (n) => n), flat: undefined },
  { what: 'empty', series: [], flat: undefined },
])('a series that is $what is flat: $flat', ({ series, flat }) => {
  expect(judgeFlat(series, allowance).flat).toBe(flat);
});

it('names both medians', () => {
  expect(
    judgeFlat(
      samples(150, (n) => n),
      allowance,
    ),
  ).toEqual({ flat: false, medians: [74.5, 124.5], samples: 150 });
});
