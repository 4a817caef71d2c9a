import type { RowFailure } from '../core/consumer-contract.ts';
import type { Key, LogRow } from '../core/contracts.ts';
import type { Consumer } from './consumer.ts';

interface FirstClearing {
  readonly files: number;
  readonly failed: ReadonlySet<number>;
  /** Those that the first cache needed. It had read the others from the log meanwhile, and reported them. */
  readonly untold: ReadonlySet<readonly LogRow[]>;
}

/** The consumers of this process, each before those that stand behind it. Our own claims go to all of them. */
export class LocalConsumers {
  readonly all: readonly Consumer[];
  /** Those that expect rows of a claim. */
  readonly #expecting = new Map<readonly LogRow[], Consumer[]>();

  constructor(all: readonly Consumer[]) {
    this.all = all;
  }

  /** Rows of a claim, which will be cleared or given up. */
  expect(rows: readonly LogRow[]): void {
    this.#expecting.set(
      rows,
      this.all.filter((consumer) => consumer.expect(rows)),
    );
  }

  /** Nothing if they have been cleared. */
  giveUp(rows: readonly LogRow[]): void {
    for (const consumer of this.#expecting.get(rows) ?? []) consumer.giveUp(rows);
    this.#expecting.delete(rows);
  }

  /** The first clearing, in each cache. Undefined if none needs these rows. */
  async clearFirst(
    handler: string,
    batches: readonly (readonly LogRow[])[],
    how: { more: boolean },
  ): Promise<FirstClearing | undefined> {
    let files: number | undefined;
    const failed = new Set<number>();
    const untold = new Set<readonly LogRow[]>();
    for (const consumer of this.all) {
      const expected = batches.filter((rows) => this.#expecting.get(rows)?.includes(consumer));
      if (expected.length === 0) continue;
      const outcome = await consumer.clearFirst(handler, expected, how);
      if (!outcome) continue;
      files = (files ?? 0) + outcome.files;
      if (consumer === this.all[0]) for (const rows of expected) untold.add(rows);
      for (const { id } of [...outcome.failures, ...outcome.invalid] as RowFailure[]) failed.add(id);
    }
    for (const rows of batches) this.#expecting.delete(rows);
    return files === undefined ? undefined : { files, failed, untold };
  }

  /** Whether a hint would be taken now. */
  get takeHints(): boolean {
    return this.all.some((consumer) => consumer.takesHints);
  }

  /** A notification names this key. Undefined if nobody takes it as a hint, else resolves when it is cleared. */
  hint(handler: string, key: Key): Promise<unknown> | undefined {
    const taken = this.all.flatMap((consumer) => consumer.hint(handler, key) ?? []);
    return taken.length > 0 ? Promise.all(taken) : undefined;
  }

  /** A claim may have been committed whose answer was lost. */
  recover(): void {
    for (const { reader } of this.all) reader.recover();
  }

  /** The log may have rows of others. */
  wake(): void {
    for (const { reader } of this.all) reader.wakeup.wake();
  }

  /** Somebody has made failing rows due. */
  retry(): void {
    for (const consumer of this.all) consumer.retries.wakeup.wake();
  }

  /** The server may have crashed, or another one be in its place, until they join again. */
  doubt(): void {
    for (const consumer of this.all) consumer.doubt();
  }

  get isFollowing(): boolean {
    return this.all.every((consumer) => consumer.isFollowing);
  }

  /** Whether rows wait for their second clearing. */
  get settles(): boolean {
    return this.all.some((consumer) => consumer.pending.settles);
  }

  /** How many rows these are at most, and how many of them a transaction holds up. */
  get pending(): { rows: number; held: number } {
    const of = (amount: 'rows' | 'held') =>
      Math.max(0, ...this.all.map((consumer) => consumer.pending[amount]));
    return { rows: of('rows'), held: of('held') };
  }

  /** Writes the durable cursors, before the end. */
  async flush(): Promise<void> {
    await Promise.all(this.all.map((consumer) => consumer.flush()));
  }

  /** The daemon stops: nothing that could take long is waited for. */
  end(error: Error): void {
    for (const consumer of this.all) consumer.end(error);
  }

  noMore(): void {
    for (const consumer of this.all) consumer.noMore();
  }
}
