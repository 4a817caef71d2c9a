import type { CountSource } from '../../src/observe/count-handlers.ts';

/** A log with nothing to count. */
export const emptyLog: CountSource['log'] = {
  counts: async () => [],
  consumers: async () => [],
  failing: async () => [],
  recentClearings: async () => [],
};
