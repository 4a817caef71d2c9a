import { Progress } from '../../src/clearing/progress.ts';
import { type Position, Settling } from '../../src/clearing/settling.ts';
import type { TransactionSnapshot } from '../../src/core/consumer-contract.ts';
import type { LogRow } from '../../src/core/contracts.ts';
import { usualTimings } from '../../src/core/timings.ts';
import { Wakeup } from '../../src/core/wakeup.ts';
import { run } from './log-world.ts';

export const settleMs = 10_000;
export const lookAgainMs = 250;

/** What settling sees of the log, and of the clearings before and after it. */
export class SettlingWorld {
  now = 1_000_000_000;
  open: { virtual: readonly string[]; prepared: readonly string[] } = { virtual: [], prepared: [] };
  /** Somebody may wait for the cursors. */
  awaited = false;
  allowedTo = Number.POSITIVE_INFINITY;
  /** Ids of each part of a second clearing; undefined: a cohort is one part. */
  parts: number | undefined;
  /** The next of these rejects. */
  failsOnce: 'snapshot' | 'clear' | 'write' | undefined;
  /** The database refuses the cursor. */
  isLost = false;
  lost = 0;
  progress = new Progress(0);
  readonly #did: string[] = [];
  readonly snapshots: string[] = [];
  #settling: Settling | undefined;

  start({ settledTo = 0, wiping = false, ms = settleMs } = {}): Settling {
    this.progress = new Progress(settledTo);
    this.#settling = new Settling({
      log: {
        snapshot: async ({ after, upTo }): Promise<TransactionSnapshot> => {
          this.#fails('snapshot');
          this.#did.push(`snapshot ${after} to ${upTo}`);
          this.snapshots.push(`snapshot ${after} to ${upTo}`);
          const { virtual, prepared } = this.open;
          return { at: String(this.now), virtual, prepared, awaited: this.awaited };
        },
        advance: async ({ settledTo: to, clearedTo }) => {
          this.#fails('write');
          this.#did.push(`write ${to}, ${clearedTo}`);
          return !this.isLost;
        },
        becomeLive: async (from) => {
          this.#did.push(`live from ${from}`);
          return !this.isLost;
        },
      },
      wakeup: new Wakeup(),
      clock: { now: () => this.now, wait: () => Promise.reject(new Error('nobody waits here')) },
      timings: usualTimings.settling,
      settleMs: () => ms,
      progress: this.progress,
      settledTo,
      wiping,
      clearAgain: async (
        { upTo, failing, wipes },
        { settledTo: from, retried },
      ): Promise<Position | undefined> => {
        this.#fails('clear');
        const what = [upTo, ...failing.map((number) => `retried ${number}`), ...(wipes ? ['all'] : [])];
        this.#did.push(`clear ${what.join(' ')}${this.parts === undefined ? '' : ` beyond ${from}`}`);
        const end = from + (this.parts ?? upTo);
        return end >= upTo ? undefined : { settledTo: end, retried };
      },
      msTo: (id) => (id > this.allowedTo ? Number.POSITIVE_INFINITY : 0),
      onLost: () => {
        this.lost += 1;
      },
    });
    return this.#settling;
  }

  /** The first clearing of ids up to this one begins; it is beyond all before. */
  begin(upTo: number): LogRow[] {
    const rows: LogRow[] = [];
    this.progress.add(rows, { after: this.progress.gap.after, upTo });
    return rows;
  }

  finish(rows: readonly LogRow[], how = {}): void {
    this.progress.finish(rows);
    this.#settling?.cleared(how);
  }

  clear(upTo: number, how = {}): void {
    this.finish(this.begin(upTo), how);
  }

  /** Steps until nothing can be done unless time passes or the world changes. */
  run(): Promise<number | null> {
    return run(async () => (await this.#settling?.step()) ?? null);
  }

  /** What happened since the last look. */
  done(): string[] {
    return this.#did.splice(0);
  }

  /** The second clearings since the last look. */
  cleared(): string[] {
    return this.done().filter((what) => what.startsWith('clear'));
  }

  #fails(what: SettlingWorld['failsOnce']): void {
    if (this.failsOnce !== what) return;
    this.failsOnce = undefined;
    throw new Error('cut');
  }
}
