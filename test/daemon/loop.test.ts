import { expect, it } from 'vitest';
import type { Clock } from '../../src/core/contracts.ts';
import { StoppingError } from '../../src/core/errors.ts';
import type { Event } from '../../src/core/events.ts';
import { usualTimings } from '../../src/core/timings.ts';
import { Loop } from '../../src/daemon/loop.ts';

/** A clock whose waits end only when the test says so, or when aborted. */
function manualClock() {
  const waits: { ms: number; end: () => void }[] = [];
  const clock: Clock = {
    now: () => 0,
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        waits.push({ ms, end: resolve });
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      }),
  };
  return { clock, waits };
}

/** Work that ends only when the test says so, and that reports its start. */
function gatedWork() {
  const runs: { finish: (againMs: number | null) => void; fail: (error: Error) => void }[] = [];
  let began = () => {};
  const next = () =>
    new Promise<void>((resolve) => {
      began = resolve;
    });
  let waiting = next();
  return {
    runs,
    begun: () => waiting,
    work: () =>
      new Promise<number | null>((resolve, reject) => {
        runs.push({ finish: resolve, fail: reject });
        began();
        waiting = next();
      }),
  };
}

/** Lets everything run that does not need the test. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

function start() {
  const { clock, waits } = manualClock();
  const gate = gatedWork();
  const events: Event[] = [];
  const loop = new Loop('test', gate.work, {
    clock,
    observe: (event) => events.push(event),
    timings: usualTimings,
  });
  return { loop, ...gate, waits, events };
}

it('sleeps until it is woken', async () => {
  const { loop, runs } = start();
  await settled();
  expect(runs.length).toBe(0);
  loop.wake();
  await settled();
  expect(runs.length).toBe(1);
  runs[0]?.finish(null);
  await loop.stop();
});

it('folds any number of wakes during the work into exactly one more run', async () => {
  const { loop, runs } = start();
  loop.wake();
  await settled();
  for (let wake = 0; wake < 100; wake++) loop.wake();
  await settled();
  expect(runs.length).toBe(1);
  runs[0]?.finish(null);
  await settled();
  expect(runs.length).toBe(2);
  runs[1]?.finish(null);
  await settled();
  expect(runs.length).toBe(2);
  await loop.stop();
});

it('runs again after the time that the work asked for, or earlier when woken', async () => {
  const { loop, runs, waits } = start();
  loop.wake();
  await settled();
  runs[0]?.finish(500);
  await settled();
  expect(waits.at(-1)?.ms).toBe(500);
  waits.at(-1)?.end();
  await settled();
  expect(runs.length).toBe(2);
  runs[1]?.finish(500);
  await settled();
  loop.wake();
  await settled();
  expect(runs.length).toBe(3);
  runs[2]?.finish(null);
  await loop.stop();
});

it('ignores signals during the back-off after an error, and then repeats the work by itself', async () => {
  const { loop, runs, waits, events } = start();
  loop.wake();
  await settled();
  runs[0]?.fail(new Error('broken'));
  await settled();
  for (let wake = 0; wake < 100; wake++) loop.wake();
  await settled();
  expect(runs.length).toBe(1);
  waits.at(-1)?.end();
  await settled();
  expect(runs.length).toBe(2);
  runs[1]?.fail(new Error('broken'));
  await settled();
  waits.at(-1)?.end();
  await settled();
  runs[2]?.finish(null);
  await settled();
  // One event for the outage and one for its end, not one for each try.
  expect(events.map(({ kind }) => kind)).toEqual(['loop-failed', 'loop-recovered']);
  await loop.stop();
});

it('reports the same error again after the work has succeeded', async () => {
  const { loop, runs, waits, events } = start();
  for (let outage = 0; outage < 2; outage++) {
    loop.wake();
    await settled();
    runs.at(-1)?.fail(new Error('broken'));
    await settled();
    waits.at(-1)?.end();
    await settled();
    runs.at(-1)?.finish(null);
    await settled();
  }
  expect(events.map(({ kind }) => kind)).toEqual([
    'loop-failed',
    'loop-recovered',
    'loop-failed',
    'loop-recovered',
  ]);
  await loop.stop();
});

it('reports another error during the same outage', async () => {
  const { loop, runs, waits, events } = start();
  loop.wake();
  for (const message of ['broken', 'still broken']) {
    await settled();
    runs.at(-1)?.fail(new Error(message));
    await settled();
    waits.at(-1)?.end();
  }
  expect(events).toMatchObject([{ error: { message: 'broken' } }, { error: { message: 'still broken' } }]);
  const stopping = loop.stop();
  runs.at(-1)?.finish(null);
  await stopping;
});

it('stops after the current work', async () => {
  const { loop, runs } = start();
  loop.wake();
  await settled();
  let stopped = false;
  const stopping = loop.stop().then(() => {
    stopped = true;
  });
  await settled();
  expect(stopped).toBe(false);
  runs[0]?.finish(0);
  await stopping;
  expect(runs.length).toBe(1);
});

it('says of what fails at a stop that it is not retried, and nothing of what was given up for the stop', async () => {
  for (const [error, told] of [
    [new Error('broken'), [{ kind: 'loop-failed', retryMs: null }]],
    [new StoppingError(), []],
  ] as const) {
    const { loop, runs, events } = start();
    loop.wake();
    await settled();
    const stopping = loop.stop();
    runs[0]?.fail(error);
    await stopping;
    expect(events).toMatchObject(told);
  }
});
