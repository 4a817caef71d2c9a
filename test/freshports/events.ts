import type { LogLine } from '../uncached.ts';

export const isCleared =
  (handler: string) =>
  (line: LogLine): boolean =>
    line.event === 'cleared' && line.handler === handler;

/** Whether something could not be cleared. */
export const isFailure = ({ event }: LogLine): boolean => ['rows-failed', 'disk-failing'].includes(event);

/** These clear at every start, because they may have missed a notification. */
export const withoutQueue = [
  'ports_moved',
  'ports_updating',
  'vuxml',
  'category_new',
  'packages_imported',
].map((name) => `listen_${name}`);
