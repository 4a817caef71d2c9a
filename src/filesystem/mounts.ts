import { readFileSync, realpathSync } from 'node:fs';

/** Whether something is mounted below root. Where nothing is, no directory need be asked for its mount. */
export function hasMountsBelow(root: string): boolean {
  const prefix = `${realpathSync(root).replace(/\/$/, '')}/`;
  return mountPoints(readFileSync('/proc/self/mountinfo', 'utf8')).some((point) => point.startsWith(prefix));
}

/** proc_pid_mountinfo(5): the fifth field, in which space, tab, newline and backslash are written in octal. */
function mountPoints(mountinfo: string): string[] {
  return mountinfo.split('\n').flatMap((line) => {
    const point = line.split(' ')[4];
    return point
      ? [point.replace(/\\([0-7]{3})/g, (_all, octal) => String.fromCharCode(Number.parseInt(octal, 8)))]
      : [];
  });
}
