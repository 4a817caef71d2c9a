import type { Clock, FailingRow } from '../core/contracts.ts';
import { explain, toError } from '../core/errors.ts';
import { inOrder } from '../core/key.ts';
import type { HandlerStatus } from '../core/status.ts';
import { type Countable, countHandlers } from './count.ts';

/** Counts are good for so long. */
const freshMs = 1_000;

/** Counting takes a tenth of the time at most: a backlog of millions is slow to count, and clearing it comes first. */
const restFor = 9;

/** Whoever asks gets the last counts if new ones are not there by then. */
const patienceMs = 1_000;

const shownFailing = 50;

export interface Counts {
  readonly handlers: readonly HandlerStatus[];
  readonly failing: readonly FailingRow[];
  readonly at: number;
}

/** What is in the database, counted when somebody asks and never twice at once, however many ask and however often. */
export class Counting {
  last: Counts | undefined;
  /** Why the last attempt to count failed. */
  error: string | undefined;
  readonly #clock: Clock;
  #source: Countable | undefined;
  #underWay: Promise<void> | undefined;
  #restUntil = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** From now on these are counted. */
  begin(source: Countable): void {
    this.#source = source;
    this.#restUntil = Number.NEGATIVE_INFINITY;
  }

  /** These are counted no more, and the last counts stay; others that have begun meanwhile go on. */
  end(source: Countable): void {
    if (source === this.#source) this.#source = undefined;
  }

  /** Resolves when `last` is as good as it gets now. Never rejects. */
  async fresh(): Promise<void> {
    if (this.#underWay === undefined) {
      if (this.#source === undefined || this.#clock.now() < this.#restUntil) return;
      this.#underWay = this.#count(this.#source);
    }
    const counted = new AbortController();
    const patience = this.#clock.wait(patienceMs, counted.signal).catch(() => {});
    await Promise.race([this.#underWay, patience]);
    counted.abort();
  }

  async #count(source: Countable): Promise<void> {
    const started = this.#clock.now();
    try {
      const handlers = await countHandlers(source);
      const failing = handlers.some((one) => one.failing > 0) ? await listFailing(source) : [];
      if (source === this.#source) {
        this.last = { handlers, failing, at: this.#clock.now() };
        this.error = undefined;
      }
    } catch (error) {
      if (source === this.#source) this.error = explain(toError(error));
    } finally {
      const now = this.#clock.now();
      if (source === this.#source) this.#restUntil = now + Math.max(freshMs, restFor * (now - started));
      this.#underWay = undefined;
    }
  }
}

async function listFailing({ handlers, journal }: Countable): Promise<FailingRow[]> {
  const rows = await journal.failing({}, shownFailing);
  return rows.map((row) => ({ ...row, key: inOrder(row.key, handlers.get(row.handler)?.columns) }));
}
