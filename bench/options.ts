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
  'purges',
  'zones',
  'memory-cache',
  'barrier',
  'notifications',
  'expand',
  'start',
] as const;

/** What `--against` measures of both builds. */
const comparedSections: readonly Section[] = [
  'memory',
  'disk',
  'drain',
  'latency',
  'loaded',
  'event-wal',
  'storm',
  'growth',
  'idle',
  'start',
];

export type Section = (typeof sections)[number];

export interface Options {
  readonly quick: boolean;
  /** The number of rounds whose median is taken. */
  readonly rounds: number;
  readonly sections: readonly Section[];
  /** Another build's main.js. It and this build are compared with each other, and with nothing else. */
  readonly against: string | undefined;
  /** Whether to write doc/performance.md and its plots. */
  readonly publishes: boolean;
  readonly say: (line: string) => void;
}

/** npm run bench -- [--quick] [--rounds N] [--only SECTION]… [--against OTHER/dist/program/main.js] [--publish] */
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
  if (values.publish && (values.only.length > 0 || values.against !== undefined))
    throw new Error('Cannot publish a part: the page would lose the rest. Leave --only and --against out');
  return {
    quick: values.quick,
    rounds: Number(values.rounds ?? (values.against !== undefined ? 3 : values.quick ? 1 : 5)),
    sections: sectionsOf(values),
    against: values.against,
    publishes: values.publish,
    say: (line) => console.info(line),
  };
}

function sectionsOf({ only, against }: { only: readonly string[]; against?: string }): readonly Section[] {
  const known: readonly Section[] = against === undefined ? sections : comparedSections;
  const unknown = only.filter((name) => !known.some((section) => section === name));
  if (unknown.length > 0)
    throw new Error(`Cannot measure ${unknown.join(', ')}: the sections are ${known.join(', ')}`);
  return known.filter((section) => only.length === 0 || only.includes(section));
}
