import { readdirSync, readFileSync } from 'node:fs';

/**
 * Milliseconds of CPU time used so far by these processes and all below them, including those that have
 * ended.
 */
export function cpuMs(...pids: readonly number[]): number {
  return pids.flatMap(withChildren).reduce((sum, pid) => sum + ownMs(pid), 0);
}

/** The same of those that are alive, to the nanosecond. */
export function preciseMs(pid: number): number {
  return withChildren(pid)
    .flatMap((each) => readdirSync(`/proc/${each}/task`).map((thread) => `/proc/${each}/task/${thread}`))
    .reduce((sum, thread) => {
      const [ran] = readFileSync(`${thread}/schedstat`, 'latin1').split(' ');
      return sum + Number(ran) / 1e6;
    }, 0);
}

/** The pid of a process and of all processes below it. */
function withChildren(pid: number): number[] {
  const parents = parentsOfAll();
  const below = (pid: number): number[] => [
    pid,
    ...[...parents].filter(([, parent]) => parent === pid).flatMap(([child]) => below(child)),
  ];
  return below(pid);
}

/** The kernel counts in hundredths of a second. */
const tickMs = 10;

/**
 * Fields 14 to 17 of /proc/PID/stat: its own user and system time, and those of children that were waited
 * for.
 */
function ownMs(pid: number): number {
  const fields = statOf(pid);
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) * tickMs;
}

function parentsOfAll(): Map<number, number> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return new Map(pids.map((pid) => [Number(pid), Number(statOf(Number(pid))[1])]));
}

/** The fields after the command's name, which may contain anything: state first, parent second. */
function statOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return [];
  }
}

/**
 * The peak of a process and all below it. Those below are counted without file pages, which are Node's own
 * and shared with the first process.
 */
export function peakMiB(pid: number): number {
  return memoryMiB(pid, 'VmHWM');
}

/** The same at this moment. */
export function residentMiB(pid: number): number {
  return memoryMiB(pid, 'VmRSS');
}

function memoryMiB(pid: number, field: string): number {
  const [, ...children] = withChildren(pid);
  return (
    children.reduce((sum, child) => sum + kiBOf(child, field) - kiBOf(child, 'RssFile'), kiBOf(pid, field)) /
    1024
  );
}

function kiBOf(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
}
