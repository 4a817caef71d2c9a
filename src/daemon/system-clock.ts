import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../core/contracts.ts';

/** setTimeout's longest time; an endless wait is cut there, which a loop sees as one more wake. */
const longestMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  wait: (ms, signal) => wait(Math.min(ms, longestMs), undefined, { signal }),
};
