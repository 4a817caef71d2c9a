import { readdirSync, readFileSync } from 'node:fs';
import { errorCode } from '../../core/errors.ts';

/** Every process that a command started has this in its environment, unless the process removed it. */
export const commandVariable = 'RUN_BY_UNCACHED';

/**
 * Between a scan and the kill a process may start another one; each scan finds what the previous one missed.
 */
const mostLooks = 10;

/**
 * Kills what a command has started, even in a session of its own (setsid), where the system allows it: on
 * Linux, by /proc. The processes are found by their environment, since one whose parent has ended has no
 * ancestor to be found by. A process that cleared its environment is not found, and one of another user
 * (sudo) cannot be killed.
 */
export function killMarked(mark: string): void {
  for (let look = 0; look < mostLooks; look++) {
    const killed = processesOf(mark).filter(kill);
    if (killed.length === 0) return;
  }
}

function processesOf(mark: string): number[] {
  const entry = `${commandVariable}=${mark}`;
  return processes().filter((pid) => environment(pid).includes(entry));
}

function processes(): number[] {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } catch {
    return [];
  }
}

function environment(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    // Another user's process, or gone; a zombie has no environment.
    return [];
  }
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch (error) {
    return errorCode(error) === 'EAGAIN';
  }
}
