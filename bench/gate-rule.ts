import { median } from './statistics.ts';

/** A ratio that has worsened by more than this is a regression. */
export const limit = 1.15;

/** How many rounds more the second look has. */
export const moreRounds = 2;

/**
 * Whether these ratios of a build to the one before, one a round, say that it is worse: by their median, and in every
 * round at least a little. With load on the machine the ratio of a build to itself varies by 5 to 15 % (a standard
 * deviation) from round to round, and by a factor now and then. The median is not moved by one such round, and a build
 * that is not worse is rarely the slower one in every round: one round in two speaks for it.
 *
 * It is asked twice. A section with a suspect is measured again, with two rounds more, and only what is found worse in
 * both is reported. Of builds that are compared with themselves by 20 such ratios, this fails one run in 5,000 where they
 * vary by 10 %, and one in 170 at 15 %; one look alone would fail one in 5 and more. A build of which three ratios are
 * 30 % worse fails in 99 % and 93 % of the runs; one of which a single ratio is, in 86 % and 59 %. Rounds that are doubled or
 * halved by accident, one in fifty, are part of this: test/bench/gate-rule.test.ts draws them.
 */
export function isWorse(ratios: readonly number[]): boolean {
  return median(ratios) > limit && ratios.every((ratio) => ratio > 1);
}
