import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { ownProcess } from './own-process.ts';

/** Those that wait longest. Begun last, one of them would keep the end waiting alone. */
const longest = [
  'faults/fail-system-call',
  'situations/situations',
  'faults/fail-call',
  'faults/read-only',
  'faults/every-phase',
  'faults/tls',
  'faults/large-values',
  'faults/front-hang',
  'faults/hang',
  'cli/mass',
  'faults/standby',
  'faults/failover',
  'faults/daemon-killed',
  'faults/two-daemons',
].map((name) => `test/${name}.test.ts`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const nth = longest.findIndex((name) => moduleId.endsWith(name));
      return nth === -1 ? longest.length : nth;
    };
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}

const each = {
  root: '.',
  // For what never comes: a test waits for events, on a machine that may be busy. What is promised in so much
  // time is asserted.
  testTimeout: 120_000,
  hookTimeout: 120_000,
};

export default defineConfig({
  test: {
    root: '.',
    globalSetup: ['test/postgres/global-setup.ts'],
    // Most of a test is waiting: for the server, a time-out, a settle time.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { ...each, name: 'own process', include: ownProcess } },
      {
        test: {
          ...each,
          name: 'shared process',
          include: ['test/**/*.test.ts'],
          exclude: ['test/rules/**', ...ownProcess],
          isolate: false,
          setupFiles: ['test/shared-process.ts'],
        },
      },
    ],
  },
});
