import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { duration } from '../../src/config/values.ts';
import { type Mutation, mutations } from './mutate.ts';

/**
 * The options of a run. With the same options every process draws the same numbers. Only the timing differs.
 */
export interface Options {
  readonly seed: string;
  readonly minutes: number;
  /** How often the daemon is killed in the whole run. */
  readonly kills: number;
  /** How often PostgreSQL is killed. */
  readonly crashes: number;
  readonly settle: string;
  readonly settleMs: number;
  /** Roots, each with its daemons. */
  readonly nodes: number;
  /** Seconds of load between two quiet points. */
  readonly load: number;
  /** Whether the site is on disk instead of in memory. */
  readonly disk: boolean;
  readonly mutation: Mutation | undefined;
  /** How long a quiet point waits for what must come soon. */
  readonly patienceMs?: number;
  /** Sizes of the daemons' batches, one of which is picked at each start. */
  readonly batches?: readonly number[];
  /** How long each loop of the load rests at most after a turn. Default: it does not. */
  readonly restMs?: number;
}

export const usage = `node build/test/stress/main.js [--seed TEXT] [--minutes 10] [--nodes 2] [--kills 240] [--crashes 5]
  [--settle 1s] [--load 15] [--disk] [${Object.keys(mutations)
    .map((name) => `--${name}`)
    .join(' | ')}]`;

const mutationNames = Object.keys(mutations) as Mutation[];

/** Throws an Error that explains the mistake. */
export function parseOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: { type: 'string', default: String(randomInt(1_000_000)) },
      minutes: { type: 'string', default: '10' },
      nodes: { type: 'string', default: '2' },
      kills: { type: 'string' },
      crashes: { type: 'string' },
      settle: { type: 'string', default: '1s' },
      load: { type: 'string', default: '15' },
      disk: { type: 'boolean', default: false },
      ...Object.fromEntries(mutationNames.map((name) => [name, { type: 'boolean' as const }])),
    },
  });
  const nodes = number('nodes', values.nodes);

  const minutes = number('minutes', values.minutes);
  const [mutation, second] = mutationNames.filter((name) => (values as Record<string, unknown>)[name]);
  if (second) throw new Error('one mutation at a time');
  return {
    seed: values.seed,
    minutes,
    kills: number('kills', values.kills ?? String(Math.ceil(minutes * 24))),
    crashes: number('crashes', values.crashes ?? String(Math.floor(minutes / 2))),
    settle: values.settle,
    settleMs: duration(100)(values.settle),
    nodes,
    load: number('load', values.load),
    disk: values.disk,
    mutation,
  };
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (text === '' || !(value >= 0)) throw new Error(`--${name} must be a number, not "${text}"`);
  return value;
}
