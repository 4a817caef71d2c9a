import { answer, type ClearRequest } from './answer.ts';
import { chdirWalk } from './chdir-walk.ts';

/**
 * A clearing child: one request after the other, for the root it was given. Nothing but the channel to the daemon keeps it
 * running: when the daemon has ended, even by kill -9, the channel is closed and so is this.
 */
const root = process.argv[2] ?? '';
process.on('message', (request: ClearRequest) => {
  // With a callback, so that a daemon that has gone meanwhile is no error of ours.
  process.send?.(answer(request, root, chdirWalk), undefined, undefined, () => {});
});

// A terminal and systemd signal the whole group. The daemon has its own way to stop, and may want one more clearing on it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
