import type { JournalRow } from '../core/contracts.ts';
import { Wakeup } from '../core/wakeup.ts';
import type { BatchOutcome } from './batch.ts';
import { type ClearingContext, type ClearingParts, clearHandlerRows, clearRows } from './clear-rows.ts';
import type { Handler } from './handler.ts';
import { InFlight } from './in-flight.ts';
import { lanesOf, partitionByLane } from './lanes.ts';
import { Settling, settleLimit } from './settling.ts';

interface PipelineOptions {
  readonly settleMs: number;
  /** Rows cleared at a time. */
  readonly batch: number;
  /** Whether loops run the lanes. Without loops everything runs in turn. */
  readonly lanes: boolean;
}

/**
 * What a journal row goes through, from its claim until it is settled:
 *
 *     claimed ── IN FLIGHT ─┬─ cleared ── SETTLING ── cleared again ── deleted
 *                   ▲       └─ failed ── kept in the journal until its retry is due
 *                   └──────────────────────────────┘
 *
 * Rows enter through `clearClaimed` and `clearKept`. A handler that runs a command has a lane of its own for
 * its kept and settling rows. Each stage that waits has a `Wakeup`, which signals that there is work. The
 * caller that runs the stages (daemon/, or `drain`) then calls their `step`. The pipeline does not know its
 * caller.
 */
export class Pipeline {
  readonly context: ClearingContext;
  readonly settling: Settling;

  constructor(parts: ClearingParts, { settleMs, batch, lanes }: PipelineOptions) {
    const inFlight = new InFlight();
    this.context = {
      ...parts,
      inFlight,
      lanes: lanes ? lanesOf(parts.handlers, inFlight) : new Map(),
      retries: new Wakeup(),
    };
    this.settling = new Settling(this.context, { settleMs, limit: settleLimit(batch) });
  }

  /**
   * The first clearing of rows that were just claimed.
   * @param isMoreComing called afterwards: whether another batch follows at once
   */
  async clearClaimed(
    handler: Handler,
    rows: readonly JournalRow[],
    isMoreComing: () => boolean,
  ): Promise<BatchOutcome> {
    const outcome = await clearHandlerRows(handler, rows, this.context);
    this.settling.add(outcome.cleared, { more: isMoreComing() });
    return outcome;
  }

  /** The first clearing of rows that the journal has kept: from an earlier run, or for a retry. */
  async clearKept(rows: readonly JournalRow[]): Promise<void> {
    const { shared, own } = partitionByLane(rows, this.context.lanes);
    const clear = async (some: readonly JournalRow[]) =>
      this.settling.add((await clearRows(some, this.context)).cleared);
    for (const [lane, some] of own) lane.add(some, clear);
    await clear(shared);
  }
}
