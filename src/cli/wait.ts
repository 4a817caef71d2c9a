import { load } from '../config/load.ts';
import type { Clock } from '../core/contracts.ts';
import { UsageError } from '../core/errors.ts';
import { clearedChannel, type levels, type Wanted } from '../core/holding.ts';
import { systemClock } from '../daemon/system-clock.ts';
import { formatHolding } from '../observe/assess-holding.ts';
import { barrierInstalled, isCleared, listHolding } from '../postgres/barrier.ts';
import { installHint } from '../postgres/install-hint.ts';
import { listen } from '../postgres/listener.ts';
import type { Pool } from '../postgres/pool.ts';
import { withDatabase } from './administrator.ts';
import { complain } from './output.ts';
import { timeOption } from './time-option.ts';

export interface WaitOptions {
  readonly xid: string;
  readonly level: (typeof levels)[number];
  readonly timeout?: string;
  readonly handler?: string[];
  readonly failingFor?: string;
}

/** What is not a clearing, such as the end of another transaction, is not announced: this is asked again after that. */
const againMs = 1_000;

/**
 * Waits until what a transaction has changed is cleared in every cache. Returns 1 if it was not in time, and says what
 * holds it.
 */
export async function waitCleared(
  file: string,
  options: WaitOptions,
  clock: Clock = systemClock,
): Promise<number> {
  const { xid, level, timeout, handler, failingFor } = options;
  const problems = [
    ...(/^\d+$/.test(xid) && BigInt(xid) > 2n && BigInt(xid) < 2n ** 64n
      ? []
      : [`--xid ${xid}: must be a transaction, as pg_current_xact_id() tells it`]),
  ];
  if (problems.length > 0) throw new UsageError(problems);
  const wanted: Wanted = {
    level,
    ...(handler && { handlers: handler }),
    ...(failingFor !== undefined && { failingForMs: timeOption('--failing-for', failingFor) }),
  };
  const untilMs = timeout === undefined ? Number.POSITIVE_INFINITY : timeOption('--timeout', timeout);
  const { configuration } = load(file);
  return withDatabase(configuration, async (pool, hosts) => {
    if (!(await barrierInstalled(pool)))
      throw new UsageError([
        `the barrier is not installed: ${await installHint(pool, 'uncached schema --barrier')}`,
      ]);
    if (await isCleared(pool, xid, wanted)) return 0;
    let heard = () => {};
    const listener = await listen(hosts, pool, [clearedChannel], () => heard());
    try {
      return await waitFor(pool, xid, {
        wanted,
        untilAt: clock.now() + untilMs,
        clock,
        notified: () =>
          new Promise((resolve) => {
            heard = resolve;
          }),
      });
    } finally {
      listener.close();
    }
  });
}

async function waitFor(
  pool: Pool,
  xid: string,
  {
    wanted,
    untilAt,
    clock,
    notified,
  }: { wanted: Wanted; untilAt: number; clock: Clock; notified: () => Promise<void> },
): Promise<number> {
  for (;;) {
    // Before the question: what is announced during it is not missed.
    const again = notified();
    if (await isCleared(pool, xid, wanted)) return 0;
    const leftMs = untilAt - clock.now();
    if (leftMs <= 0) break;
    const over = new AbortController();
    const pause = clock.wait(Math.min(leftMs, againMs), over.signal).catch(() => {});
    await Promise.race([again, pause]);
    over.abort();
  }
  const holding = (await listHolding(pool, wanted)) ?? [];
  complain(`transaction ${xid} is not ${wanted.level} yet; it is held by:`);
  for (const one of holding.filter((other) => BigInt(other.xid) <= BigInt(xid)))
    complain(`  ${formatHolding(one)}`);
  return 1;
}
