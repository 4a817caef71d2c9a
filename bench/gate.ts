import { type Comparison, compare } from './compare.ts';
import { formatTable } from './format-table.ts';
import { isWorse, limit, moreRounds } from './gate-rule.ts';
import type { Measured } from './measure.ts';
import type { Options, Section } from './options.ts';
import { median } from './statistics.ts';

type MeasureAgain = (sections: readonly Section[], rounds: number) => Promise<Measured>;

/** Whether this build is nowhere worse than the other. Prints each ratio, and what is worse. */
export async function gate(
  measured: Measured,
  again: MeasureAgain,
  { rounds, sections: asked, say }: Options,
): Promise<boolean> {
  const first = compare(measured);
  const missing = asked.filter((name) => {
    const parts = first.filter(({ section }) => section === name);
    return parts.length === 0 || !parts.every(isWhole);
  });
  if (missing.length > 0) {
    say(`Cannot say whether this build is slower: not measured of both: ${missing.join(', ')}`);
    return false;
  }
  say(`\n${table(first)}\n`);
  const suspects = first.filter(({ ratios }) => isWorse(ratios));
  if (suspects.length === 0) {
    say(`Not slower: nothing has worsened by more than ${percent(limit)} in ${rounds} rounds.`);
    return true;
  }
  say(`Measuring again what seems worse: ${suspects.map(nameOf).join('; ')}`);
  const sections = [...new Set(suspects.map(({ section }) => section))];
  const second = compare(await again(sections, rounds + moreRounds)).filter(isWhole);
  say(`\n${table(second)}\n`);
  const isSuspect = (one: Comparison) => suspects.some((other) => nameOf(one) === nameOf(other));
  const confirmed = second.filter((one) => isSuspect(one) && isWorse(one.ratios));
  const unknown = suspects.filter((one) => !second.some((other) => nameOf(one) === nameOf(other)));
  for (const one of confirmed) say(`WORSE: ${nameOf(one)}: ${percent(median(one.ratios))} more than before`);
  for (const one of unknown) say(`WORSE, and not measured again: ${nameOf(one)}`);
  if (confirmed.length + unknown.length === 0) say('Not slower: that was not so the second time.');
  return confirmed.length + unknown.length === 0;
}

function table(comparisons: readonly Comparison[]): string {
  return formatTable(
    ['of the build before', 'median', 'rounds', ''],
    comparisons.map((one) => [
      nameOf(one),
      `${median(one.ratios).toFixed(2)} ×`,
      one.ratios.map((ratio) => ratio.toFixed(2)).join(' '),
      isWorse(one.ratios) ? '**worse**' : '',
    ]),
  );
}

const isWhole = ({ ratios }: Comparison) => ratios.every(Number.isFinite);

const nameOf = ({ section, what }: Comparison) => `${section}: ${what}`;

const percent = (ratio: number) => `${((ratio - 1) * 100).toFixed(0)} %`;
