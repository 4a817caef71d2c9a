import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Clock } from '../../src/core/contracts.ts';
import { openMonitor } from '../../src/observe/monitor.ts';
import { emptyLog } from './empty-log.ts';

const clock: Clock = {
  now: () => 0,
  wait: (_ms, signal) => wait(2 ** 30, undefined, { signal, ref: false }),
};

it('tells no problem of what is still counted when it is stopped and the connections are closed', async () => {
  const stop = new AbortController();
  const told: string[] = [];
  let ended = Promise.resolve();
  let close = (_why: Error) => {};
  await new Promise<void>((resolve) => {
    const backlog = () =>
      new Promise<never>((_, reject) => {
        close = reject;
        resolve();
      });
    const queue = { backlog, claim: () => Promise.reject(new Error('not asked for')) };
    const source = {
      handlers: new Map([['news', { columns: [] }]]),
      queues: new Map([['news', queue]]),
      log: emptyLog,
      disabled: new Map(),
      disabledQueues: new Map(),
    };
    ended = openMonitor('1', clock).keepCounting(source, stop.signal, ({ kind }) => told.push(kind));
  });
  stop.abort();
  close(new Error('Cannot use a pool after calling end on the pool'));
  await ended;
  expect(told).toEqual([]);
});
