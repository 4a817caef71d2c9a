import { parseArgs } from 'node:util';

export interface Options {
  readonly quick: boolean;
  /** Median of so many. */
  readonly rounds: number;
  /** Sections to measure; all when empty. */
  readonly only: readonly string[];
  /** Another build's main.js, measured beside this one. */
  readonly against: string | undefined;
  /** Writes doc/performance.md and its plots. */
  readonly publish: boolean;
  readonly say: (line: string) => void;
}

export const usage = `npm run bench -- [--quick] [--rounds N] [--only SECTION]… [--against OTHER/dist/main.js] [--publish]`;

export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
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
    only: values.only,
    against: values.against,
    publish: values.publish,
    say: (line) => console.info(line),
  };
}
