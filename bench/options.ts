import { parseArgs } from 'node:util';

const sections = [
  'memory',
  'disk',
  'drain',
  'latency',
  'loaded',
  'event-wal',
  'fleet',
  'storm',
  'producers',
  'growth',
  'idle',
] as const;

export type Section = (typeof sections)[number];

export interface Options {
  readonly quick: boolean;
  /** The number of rounds whose median is taken. */
  readonly rounds: number;
  readonly sections: readonly Section[];
  /** Another build's main.js, measured together with this one. */
  readonly against: string | undefined;
  /** Whether to write doc/performance.md and its plots. */
  readonly publishes: boolean;
  readonly say: (line: string) => void;
}

/** npm run bench -- [--quick] [--rounds N] [--only SECTION]… [--against OTHER/dist/main.js] [--publish] */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    strict: true,
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      against: { type: 'string' },
      publish: { type: 'boolean', default: false },
    },
  });
  return {
    quick: values.quick,
    rounds: Number(values.rounds ?? (values.quick ? 1 : 5)),
    sections: sections.filter((section) => values.only.length === 0 || values.only.includes(section)),
    against: values.against,
    publishes: values.publish,
    say: (line) => console.info(line),
  };
}
