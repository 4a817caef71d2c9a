import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

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

export default defineConfig({
  test: {
    root: '.',
    globalSetup: ['test/postgres/global-setup.ts'],
    include: ['test/**/*.test.ts'],
    exclude: ['test/rules/**'],
    // Most of a test is waiting: for the server, a time-out, a settle time.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    // For what never comes: a test waits for events, on a machine that may be busy. What is promised in so much time is asserted.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
