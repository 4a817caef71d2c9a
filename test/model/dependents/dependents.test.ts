import { describe, expect, test } from 'vitest';
import { explore, type Verdict } from '../explore.ts';
import { dependentsModel, designed, type Protocol, type Scenario } from './dependents.ts';
import type { Change } from './graph.ts';

const inserting = (
  [
    [1, 'data', 'ib'],
    [2, 'data', 'ib'],
    [2, 'data', 'ji'],
    [1, 'data', 'ib', 'ji'],
    [1, 'data', 'data', 'ib'],
  ] satisfies [number, ...Change[]][]
).map(([writers, ...changes]): Scenario => ({ changes, writers, fenced: true, rounds: 1 }));
/** Producers that skip need the grace, and writers without a fence the settle time. */
const skipping: readonly Scenario[] = [true, false].map((isFenced) => ({
  changes: ['data', 'ib'],
  skips: true,
  queued: 'b',
  writers: 1,
  fenced: isFenced,
  rounds: 2,
}));

/** Both edges are being added. Neither of their transactions sees the other one. */
const edgesOpen: Scenario = {
  changes: ['data', 'ib', 'ji'],
  writers: 1,
  fenced: true,
  rounds: 2,
  edgesOpen: true,
};

/**
 * From every graph, with the page and without (with two rounds, from fewer); the shortest
 * counterexample, if there is one.
 */
function explored(scenarios: readonly Scenario[], change: Partial<Protocol> = {}): Verdict {
  let states = 0;
  let quiet = 0;
  let worst: Extract<Verdict, { holds: false }> | undefined;
  for (const scenario of scenarios)
    for (const ji of [true, false])
      for (const ib of [true, false])
        for (const cached of [true, false]) {
          if (scenario.rounds === 2 && (ji === (scenario.edgesOpen ?? false) || cached)) continue;
          if (scenario.edgesOpen && ib) continue;
          const model = dependentsModel(
            { ji, ib, data: 0 },
            { ...scenario, cached },
            { ...designed, ...change },
          );
          const verdict = explore(model);
          states += verdict.states;
          if (verdict.holds) quiet += verdict.quiet;
          else if (!worst || verdict.trace.length < worst.trace.length)
            worst = {
              ...verdict,
              trace: [
                `at first J inherits from I: ${ji}, I from b: ${ib}; page: ${cached}`,
                ...verdict.trace,
              ],
            };
        }
  return worst ? { ...worst, states } : { holds: true, states, quiet };
}

describe('what depends on a key is right', () => {
  test.each<[string, readonly Scenario[], Partial<Protocol>]>([
    ['asked at each clearing', [...inserting, ...skipping, edgesOpen], {}],
    [
      'asked in the claim, which is dearer',
      [...inserting, ...skipping, edgesOpen],
      { looksUp: 'in the claim' },
    ],
    [
      'asked at the first clearing alone, if each edge enqueues its own key',
      [...inserting, ...skipping, edgesOpen],
      { looksUp: 'at the first clearing' },
    ],
  ])('%s', (_how, scenarios, change) => {
    const verdict = explored(scenarios, change);
    expect(verdict).toMatchObject({ holds: true });
    console.info(`${verdict.states} states`);
  });
});

/** counterexamples/ describes the shortest path to a stale page in plain words. */
describe('the model convicts', () => {
  test.each<[string, readonly Scenario[], Partial<Protocol>]>([
    ['expanded in the trigger', inserting, { looksUp: 'in the trigger' }],
    ['expanded in the trigger, with grace', [edgesOpen], { looksUp: 'in the trigger' }],
    ['edges that enqueue nothing', inserting, { edgesEnqueue: false }],
    ['asked before the claim', skipping, { looksUp: 'before the claim' }],
  ])('%s', async (what, scenarios, change) => {
    const verdict = explored(scenarios, change);
    if (verdict.holds) return expect.fail(`it holds, in ${verdict.states} states`);
    const story = `${[...verdict.trace, `=> ${verdict.broken}`].join('\n')}\n`;
    await expect(story).toMatchFileSnapshot(`counterexamples/${what.replace(/\W+/g, '-')}.txt`);
  });
});
