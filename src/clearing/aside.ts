import type { JournalRow } from '../core/contracts.ts';
import type { Means } from './clearing.ts';

/**
 * Has something done apart from the loops that all handlers share: a command may take its whole time-out, again and again, and
 * nobody else's failing rows and second clearings are to wait for it.
 */
export type Aside = (handler: string, work: () => Promise<void>) => void;

/** What was put aside for one handler, one after the other. What fails is done again; what a stop leaves is in the journal. */
export class Lane {
  readonly #works: (() => Promise<void>)[] = [];

  add(work: () => Promise<void>): void {
    this.#works.push(work);
  }

  /** Does one piece. Returns 0 if there are more, null if not. */
  async step(): Promise<number | null> {
    await this.#works[0]?.();
    this.#works.shift();
    return this.#works.length > 0 ? 0 : null;
  }
}

/** Rows to deal with here, and those to put aside, by handler. */
export function sortOut(
  rows: readonly JournalRow[],
  { handlers, aside }: Pick<Means, 'handlers' | 'aside'>,
): { here: JournalRow[]; apart: Map<string, JournalRow[]> } {
  const here: JournalRow[] = [];
  const apart = new Map<string, JournalRow[]>();
  for (const row of rows) {
    const runs = (handlers.get(row.handler)?.commands.length ?? 0) > 0;
    if (!aside || !runs) here.push(row);
    else apart.set(row.handler, [...(apart.get(row.handler) ?? []), row]);
  }
  return { here, apart };
}
