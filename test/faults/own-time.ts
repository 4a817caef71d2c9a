import { readdirSync, readFileSync } from 'node:fs';

/** A process that ends takes its figures with it. */
const lookMs = 500;

/**
 * Milliseconds that the work takes of its own accord, for a promise that a busy machine cannot keep. It leaves
 * out the time in which one of these processes, or this one, could run and waited for a processor. A process is
 * named by a part of its command line, such as a site's folder or a database. Without the /proc of Linux only
 * the delays of this process are known.
 */
export async function ownMs(names: readonly string[], work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  let lookedAt = started;
  let waited = waitedMs(names);
  let leftOutMs = 0;
  const look = () => {
    const now = performance.now();
    const before = waited;
    waited = waitedMs(names);
    const delays = new Map(Array.from(waited, ([pid, ms]) => [pid, ms - (before.get(pid) ?? 0)]));
    // All of this machine may have stood still, which no process knows of.
    delays.set(here, Math.max(delays.get(here) ?? 0, now - lookedAt - lookMs));
    const sum = [...delays.values()].reduce((total, ms) => total + ms, 0);
    // Those that waited at the same time cost that time once.
    leftOutMs += Math.min(sum, now - lookedAt);
    lookedAt = now;
  };
  const timer = setInterval(look, lookMs);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  look();
  return lookedAt - started - leftOutMs;
}

const here = String(process.pid);

/** How long each process has waited for a processor since it began (Documentation/scheduler/sched-stats.rst). */
function waitedMs(names: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const pid of processes()) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      if (pid !== here && !names.some((name) => command.includes(name))) continue;
      const [, waitedNs] = readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ');
      found.set(pid, Number(waitedNs) / 1e6);
    } catch {
      // It has ended, or this kernel does not count.
    }
  }
  return found;
}

function processes(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
