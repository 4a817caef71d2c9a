import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds of CPU that processes and all below them have used so far, those that have ended included. */
export function cpuMs(...pids: readonly number[]): number {
  const parents = parentsOfAll();
  const below = (pid: number): number[] => [
    pid,
    ...[...parents].filter(([, parent]) => parent === pid).flatMap(([child]) => below(child)),
  ];
  return pids.flatMap(below).reduce((sum, pid) => sum + ownMs(pid), 0);
}

/** The kernel counts in hundredths of a second. */
const tickMs = 10;

/** Fields 14 to 17 of /proc/PID/stat: its own, user and system, and those of children that were waited for. */
function ownMs(pid: number): number {
  const fields = statOf(pid);
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) * tickMs;
}

function parentsOfAll(): Map<number, number> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return new Map(pids.map((pid) => [Number(pid), Number(statOf(Number(pid))[1])]));
}

/** The fields behind the command's name, which may hold anything: state first, parent second. */
function statOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return [];
  }
}

export function peakMiB(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;
}
