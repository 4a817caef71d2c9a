import { beforeEach, expect, it } from 'vitest';
import { TargetDownError } from '../../src/core/errors.ts';
import type { Event, Report } from '../../src/core/events.ts';
import { foldTargets } from '../../src/observe/fold-targets.ts';

let told: string[];
let observe: Report;
/** Answers the count of rows. */
let count: (rows: number | undefined) => void;

beforeEach(() => {
  told = [];
  const report = (event: Event) => {
    const target = 'target' in event ? ` ${event.target}` : '';
    const behind = event.kind === 'target-up' ? ` ${event.behind}` : '';
    told.push(`${event.kind}${target}${behind}`);
  };
  observe = foldTargets(
    report,
    () =>
      new Promise((resolve) => {
        count = resolve;
      }),
  );
});

const down = (text = 'no'): Event => ({ kind: 'target-down', target: 'v', text });
const up: Event = { kind: 'target-up', target: 'v', called: 'v', ms: 1 };
const failed = (error: Error, loop = 'l'): Event => ({ kind: 'loop-failed', loop, error, retryMs: 1 });
const recovered = (loop = 'l'): Event => ({ kind: 'loop-recovered', loop });
const settled = () => new Promise((later) => setImmediate(later));

it('tells once that a target is down, and once that it answers, with what it has missed', async () => {
  for (const loop of ['log', 'settling']) {
    observe(down());
    observe(failed(new TargetDownError('no'), loop));
  }
  observe(down('for another reason'));
  observe(up);
  for (const loop of ['log', 'settling']) observe(recovered(loop));
  expect(told).toEqual(['target-down v']);
  count(7);
  await settled();
  expect(told).toEqual(['target-down v', 'target-up v 7']);
});

it('keeps the order when it is down again while its rows are counted', async () => {
  observe(down());
  observe(up);
  observe(down());
  count(undefined);
  await settled();
  expect(told).toEqual(['target-down v', 'target-up v undefined', 'target-down v']);
});

it('does not hide another failure of a loop, nor its end', () => {
  observe(failed(new TargetDownError('no')));
  observe(failed(new Error('disk')));
  observe(recovered());
  observe(failed(new Error('disk')));
  observe(failed(new TargetDownError('no')));
  observe(recovered());
  expect(told).toEqual(['loop-failed', 'loop-recovered', 'loop-failed', 'loop-recovered']);
});
