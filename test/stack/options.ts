import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { duration } from '../../src/config/values.ts';

export interface Options {
  readonly seed: string;
  readonly minutes: number;
  /** How often something is killed in the whole run. */
  readonly kills: number;
  readonly settle: string;
  readonly settleMs: number;
  readonly lag: string;
  /** Seconds of load between two quiet points. */
  readonly load: number;
  /** A mistake that the run must find: no cache is purged, or each is cleared and purged only once. */
  readonly mistake: 'unpurged' | 'once' | undefined;
}

export const usage =
  'node build/test/stack/main.js [--seed TEXT] [--minutes 10] [--kills 120] [--settle 2s] [--lag 2s] [--load 15] [--unpurged | --once]';

/** Throws an Error that explains the mistake. */
export function parseOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: { type: 'string', default: String(randomInt(1_000_000)) },
      minutes: { type: 'string', default: '10' },
      kills: { type: 'string' },
      settle: { type: 'string', default: '2s' },
      lag: { type: 'string', default: '2s' },
      load: { type: 'string', default: '15' },
      unpurged: { type: 'boolean', default: false },
      once: { type: 'boolean', default: false },
    },
  });
  const minutes = Number(values.minutes);
  return {
    seed: values.seed,
    minutes,
    kills: Number(values.kills ?? Math.ceil(minutes * 12)),
    settle: values.settle,
    settleMs: duration(100)(values.settle),
    lag: values.lag,
    load: Number(values.load),
    mistake: values.unpurged ? 'unpurged' : values.once ? 'once' : undefined,
  };
}
