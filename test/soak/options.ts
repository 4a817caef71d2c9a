import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Options as StressOptions } from '../stress/options.ts';
import { type Plant, plants } from './plants.ts';

/** With the same seed a run draws the same numbers. Only the timing differs. */
export interface Options extends StressOptions {
  /** A fault that the run must find. */
  readonly plant: Plant | undefined;
}

export const usage = `node build/test/soak/main.js [--seed TEXT] [--minutes 30] [--load 20] [--nodes 3] [--plant ${plants.join('|')}]`;

/** Throws an Error that explains the mistake. */
export function parseOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: { type: 'string', default: String(randomInt(1_000_000)) },
      minutes: { type: 'string', default: '30' },
      load: { type: 'string', default: '20' },
      nodes: { type: 'string', default: '3' },
      plant: { type: 'string' },
    },
  });
  const plant = plants.find((one) => one === values.plant);
  if (values.plant !== undefined && !plant) throw new Error(`there is no --plant ${values.plant}`);
  return {
    seed: values.seed,
    minutes: number('minutes', values.minutes),
    load: number('load', values.load),
    plant,
    nodes: number('nodes', values.nodes),
    settle: '2s',
    settleMs: 2_000,
    disk: false,
    restMs: 250,
    // It may run for long on a machine that is busy with other things.
    patienceMs: 400_000,
    batches: [50, 200, 1000],
    mutation: undefined,
    // The happenings (happenings.ts) take their place.
    kills: 0,
    crashes: 0,
  };
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (text === '' || !(value >= 0)) throw new Error(`--${name} must be a number, not "${text}"`);
  return value;
}
