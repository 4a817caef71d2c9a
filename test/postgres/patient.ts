import type { DatabaseTimings } from '../../src/core/timings.ts';

/** For tests that are not about the time-outs of a session. A busy machine may exceed the usual ones. */
export const patient: DatabaseTimings = {
  connectMs: 100_000,
  lockMs: 100_000,
  statementMs: 100_000,
  queryMs: 110_000,
  sendMs: 100_000,
  deliveryMs: 100_000,
};
