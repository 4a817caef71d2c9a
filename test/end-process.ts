import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Ends a server that leads a group of its own, and waits for that. SIGKILL also reaches the processes that serve. */
export async function endLeader(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  process.kill(signal === 'SIGKILL' ? -child.pid : child.pid, signal);
  await ended;
}
