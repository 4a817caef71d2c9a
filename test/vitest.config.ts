import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { ownProcess } from './own-process.ts';

/** The files that wait longest. If one of them started last, the run would end with it alone. */
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
  // A limit for events that never come: tests wait for events, on a machine that may be busy. Guaranteed
  // times are asserted separately.
  testTimeout: 120_000,
  hookTimeout: 120_000,
};

export default defineConfig({
  test: {
    root: '.',
    globalSetup: ['test/postgres/global-setup.ts'],
    // Tests mostly wait: for the server, a time-out or a settle time.
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
