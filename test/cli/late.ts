import type { LogLine } from '../uncached.ts';

/**
 * Whether the line says that the machine was too busy for one of the daemon's time-outs: of a heartbeat, an
 * answer or a statement, which it then tries again; or that entries wait for longer than they should.
 */
export const isLate = ({ event, msg }: LogLine) =>
  ['listener-lost', 'database-unavailable'].includes(event) ||
  (event === 'loop-failed' && msg.includes('statement timeout')) ||
  (event === 'problem-found' && /^\S+ lags .* behind/.test(msg));
