import type { JournalRow } from '../core/contracts.ts';
import { Wakeup } from '../core/wakeup.ts';
import type { Handler } from './handler.ts';
import type { InFlight } from './in-flight.ts';

/**
 * Rows of one handler that runs a command, worked on batch by batch in a loop of its own. A command may take
 * its whole time-out each time, and the recovery, the retries and the settling of other handlers must not
 * wait for it.
 */
export class Lane {
  readonly wakeup = new Wakeup();
  readonly #inFlight: InFlight;
  readonly #works: (() => Promise<void>)[] = [];

  constructor(inFlight: InFlight) {
    this.#inFlight = inFlight;
  }

  /** The rows are in flight until the work is done. */
  add(rows: readonly JournalRow[], work: (rows: readonly JournalRow[]) => Promise<void>): void {
    this.#inFlight.add(rows);
    this.#works.push(async () => {
      await work(rows);
      this.#inFlight.remove(rows);
    });
    this.wakeup.wake();
  }

  /**
   * Does one piece of work; after a failure it is repeated. At a stop, the rest stays in the journal. Returns
   * 0 if there is more, else null.
   */
  async step(): Promise<number | null> {
    await this.#works[0]?.();
    this.#works.shift();
    return this.#works.length > 0 ? 0 : null;
  }
}

export type Lanes = ReadonlyMap<string, Lane>;

/** A lane for each handler that runs a command. */
export function lanesOf(handlers: ReadonlyMap<string, Handler>, inFlight: InFlight): Lanes {
  const withCommands = [...handlers.values()].filter(({ commands }) => commands.length > 0);
  return new Map(withCommands.map(({ name }) => [name, new Lane(inFlight)]));
}

/** Splits the rows into those for the loop that all handlers share, and those for each lane. */
export function partitionByLane(
  rows: readonly JournalRow[],
  lanes: Lanes,
): { shared: JournalRow[]; own: Map<Lane, JournalRow[]> } {
  const shared: JournalRow[] = [];
  const own = new Map<Lane, JournalRow[]>();
  for (const row of rows) {
    const lane = lanes.get(row.handler);
    if (lane === undefined) {
      shared.push(row);
      continue;
    }
    const others = own.get(lane);
    if (others) others.push(row);
    else own.set(lane, [row]);
  }
  return { shared, own };
}
